/* rpc_outbox: messages of a streaming call, from whoever sends to the call's thread.
 *
 * Used by   rpc_call.c.
 * Shape     first in, first out; then closed, when the call's answer stands.
 * Units     bytes: of what is queued, and of what was taken and not yet given back by rpc_outbox_settle.
 * Owns      the messages queued.
 * Thread    any; its lock is the caller's to hold around the functions that say so.
 * Errors    above LIMIT_STREAM_UNSENT_BYTES nothing is taken but one message that stands alone.
 */
#ifndef SERVER_RPC_OUTBOX_H_
#define SERVER_RPC_OUTBOX_H_

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct rpc_message;

struct rpc_outbox {
    pthread_mutex_t lock;
    struct rpc_message *first;
    struct rpc_message *last;
    size_t bytes;
    bool is_closed;
    bool refuses; /* the client is gone */
};

void rpc_outbox_init(struct rpc_outbox *outbox);
/* Drops what is queued; the lock can be used again after rpc_outbox_reset alone. */
void rpc_outbox_reset(struct rpc_outbox *outbox);
void rpc_outbox_deinit(struct rpc_outbox *outbox);

/* Lock held. Copies; false: refused. */
MUST_USE bool rpc_outbox_put(struct rpc_outbox *outbox, struct span message);
/* Lock held. The oldest message as a byte buffer of the caller's, or NULL. */
grpc_byte_buffer *rpc_outbox_take(struct rpc_outbox *outbox, size_t *ret_bytes);

/* What was taken has been sent. */
void rpc_outbox_settle(struct rpc_outbox *outbox, size_t bytes);
/* Drops what is queued and takes nothing more. */
void rpc_outbox_refuse(struct rpc_outbox *outbox);
size_t rpc_outbox_bytes(struct rpc_outbox *outbox);

C_DECLS_END

#endif /* SERVER_RPC_OUTBOX_H_ */
