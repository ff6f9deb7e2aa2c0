/* channel: gRPC calls to one server: one answer, or a stream of them.
 *
 * Used by   session.c.
 * Shape     one completion queue that one thread plucks from; every wait has a deadline.
 * Owns      connection and queue; answers lie in the arena given.
 * Thread    the one that opened it.      Blocks    until the answer, or the deadline.
 * Errors    what the server said, as rpc_status_fail makes it, and in full in channel_status(); ERR_INVALID for an
 *           endpoint that is none. ERR_UNAVAILABLE: nobody answers there.
 */
#ifndef CLI_CHANNEL_H_
#define CLI_CHANNEL_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "cli/rpc_status.h"

C_DECLS_BEGIN

struct upb_Arena;
struct channel;
struct channel_stream;

/* "host:port", "[v6]:port" or "unix:PATH". */
MUST_USE int channel_check_endpoint(const char *endpoint, struct err *err);

/* Connects with the first call. ca_pem NULL: the system's authorities, where tls is asked for. */
MUST_USE int channel_open(const char *endpoint, bool tls, const char *ca_pem, struct channel **ret_channel,
                          struct err *err);
/* No stream may be open. NULL is allowed. */
void channel_close(struct channel *channel);

/* One request header, such as an idempotency key, for the next call alone; key and value must live until then. */
void channel_set_header(struct channel *channel, const char *key, const char *value);

/* method: "/package.Service/Method". */
MUST_USE int channel_call(struct channel *channel, const char *method, struct span request, int64_t timeout_ns,
                          struct upb_Arena *arena, struct span *ret_response, struct err *err);
/* How the last call or stream ended. */
const struct rpc_status *channel_status(const struct channel *channel);
/* What the last call ended with is no longer what went wrong. */
void channel_forget_status(struct channel *channel);

enum channel_event { CHANNEL_MESSAGE, CHANNEL_IDLE, CHANNEL_END };

/* The stream has no deadline of its own: channel_stream_next has. */
MUST_USE int channel_stream_open(struct channel *channel, const char *method, struct span request,
                                 struct channel_stream **ret_stream, struct err *err);
/* Waits at most wait_ns for the next message; CHANNEL_IDLE when none came. CHANNEL_END: the server ended it with OK;
 * with another status it is an error. Other calls may be made between. */
MUST_USE int channel_stream_next(struct channel_stream *stream, int64_t wait_ns, struct upb_Arena *arena,
                                 enum channel_event *ret_event, struct span *ret_message, struct err *err);
/* Cancels what is still under way. NULL is allowed. */
void channel_stream_close(struct channel_stream *stream);

C_DECLS_END

#endif /* CLI_CHANNEL_H_ */
