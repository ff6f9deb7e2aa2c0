/* grpc_client: the plainest gRPC client: raw bytes in, raw bytes out, one call at a time.
 *
 * Used by   tests of server/ and of what speaks to it.
 * Owns      a reply owns its bytes until grpc_reply_deinit.
 * Thread    a client may be shared; a stream is one thread's.      Blocks    everything, until its timeout.
 */
#ifndef TESTS_LIB_GRPC_CLIENT_H_
#define TESTS_LIB_GRPC_CLIENT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct grpc_client;
struct grpc_stream;

struct grpc_header {
    const char *key;
    const char *value;
};

struct grpc_reply {
    int code; /* grpc_status_code */
    char *text;
    struct span message;  /* NULL data: none came */
    struct span details;  /* grpc-status-details-bin */
    char *operation_name; /* x-operation-name, or NULL */
};

struct grpc_client *grpc_client_create(const char *address);
void grpc_client_destroy(struct grpc_client *client);

void grpc_client_call(struct grpc_client *client, const char *method, struct span request,
                      const struct grpc_header *headers, size_t header_count, int64_t timeout_ms,
                      struct grpc_reply *ret_reply);
void grpc_reply_deinit(struct grpc_reply *reply);

struct grpc_stream *grpc_stream_open(struct grpc_client *client, const char *method, int64_t timeout_ms);
void grpc_stream_write(struct grpc_stream *stream, struct span message);
void grpc_stream_close_writes(struct grpc_stream *stream);
/* The next message, malloc'd; false at the end. */
bool grpc_stream_read(struct grpc_stream *stream, struct span *ret_message);
void grpc_stream_cancel(struct grpc_stream *stream);
/* Waits for the status; ends the stream. */
void grpc_stream_finish(struct grpc_stream *stream, struct grpc_reply *ret_reply);

C_DECLS_END

#endif /* TESTS_LIB_GRPC_CLIENT_H_ */
