/* call: one request as a handler sees it, whoever brought it (gRPC now, REST later); never a grpc_call.
 *
 * Used by   handlers (*_service.c) read and reply; rpc_call.c makes and ends calls.
 * Shape     a handler is called once with a decoded-on-demand request and must reply exactly once, at once or later.
 * Owns      its arena and request bytes until the reply is sent. After a reply function was called, the call is gone
 *           for the handler.
 * Thread    the handler runs on the call's own thread; arena and request belong to that thread while it runs.
 *           A handler that hands the call to the controller touches it no more until done; reply functions may be called from any
 *           one thread then: the answer is sent by the call's own thread.
 * Blocks    handlers never block.
 */
#ifndef SERVER_CALL_H_
#define SERVER_CALL_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/api.h"
#include "job/violations.h"
#include "storage/store.h"

C_DECLS_BEGIN

struct call;
struct services;

/* ---- what a handler may ask ---- */
struct upb_Arena *call_arena(struct call *call);
struct span call_request(const struct call *call); /* the request message's wire bytes, contiguous */
struct span call_method(const struct call *call);  /* "/google.cloud.aiplatform.v1.JobService/GetCustomJob" */
enum api_version call_api_version(const struct call *call);
const struct services *call_services(const struct call *call);
struct span call_principal(const struct call *call);    /* "" while nobody authenticates */
int64_t call_deadline_mono_ns(const struct call *call); /* INT64_MAX: none */
/* A request header, lower-case key; empty when absent. Lives as long as the call. */
struct span call_metadata(const struct call *call, const char *key);
/* The client is gone (cancelled, or its deadline passed): an answer would reach nobody. Any thread. */
bool call_is_cancelled(const struct call *call);

/* ---- how a handler answers; each ends the call ---- */
/* Bytes in the call's arena, or anywhere that outlives the function: they are copied. */
void call_reply(struct call *call, struct span message);
/* The version's value is the message; takes over the caller's reference. No byte is copied. */
void call_reply_version(struct call *call, struct store_version *version);
/* A list answer: every version as the length-delimited field items_field, then token as string field 2 when not empty.
 * Takes over the page. No job is copied. */
void call_reply_page(struct call *call, uint32_t items_field, struct store_page *page, struct span next_page_token);
/* A status from an error, with ErrorInfo, and ResourceInfo when resource_name is not empty. */
void call_reply_error(struct call *call, const struct err *err, struct span resource_name);
/* INVALID_ARGUMENT with all violations in sentence and BadRequest (docs/ARCHITECTURE.md). */
void call_reply_violations(struct call *call, const struct violations *violations);

/* One trailing metadata entry; before the reply. Key and value are copied. */
void call_add_trailer(struct call *call, const char *key, struct span value);

/* ---- server streaming: any number of sends, then call_stream_end. From one thread at a time. ---- */
/* Queues one message, copied. False: the client is gone or too slow (more than a bound unsent): end the stream. */
bool call_stream_send(struct call *call, struct span message);
/* Bytes queued and not yet taken by the transport. */
size_t call_stream_pending(const struct call *call);
/* err NULL: OK. */
void call_stream_end(struct call *call, const struct err *err);

/* Runs notice once, on the call's own thread and after the handler has returned, when the client is gone before the end.
 * For calls that wait for something else than their client; notice does not end the call. Set by the handler while it
 * runs. */
typedef void (*call_gone_fn)(struct call *call, void *context);
void call_on_gone(struct call *call, call_gone_fn notice, void *context);

/* Bidirectional methods: the handler runs once per message of the client, on the call's thread, and answers with
 * call_stream_send; the next message is read when the answers have been taken. The end of the client's side ends
 * the call OK; call_stream_end ends it earlier. Arena and request live until the handler returns. */

/* Room for the handler's own state for the call's life (a struct command, …); zeroed, from the arena. NULL: memory. */
void *call_allocate(struct call *call, size_t size);

typedef void (*call_handler_fn)(struct call *call);

C_DECLS_END

#endif /* SERVER_CALL_H_ */
