/* rpc_call: one gRPC call, from the request for it to its end.
 *
 * Used by   rpc_thread.c; rpc_exchange.c and rpc_call_ops.c are parts of it.
 * Shape     armed → (refused | message read → handler) → answered → ended; then idle. A unary call that its handler
 *           answers at once is three events: new, message, end. Any other also watches for its client's leaving.
 * Owns      its grpc_call, request bytes, arena, answer and outbox.
 * Thread    its rpc_thread's. Handlers that answer from elsewhere write the answer or the outbox under its lock and hand
 *           the call back to its thread before they let go of the lock: whoever sees what they wrote knows that
 *           they are done with the call.
 */
#ifndef SERVER_RPC_CALL_H_
#define SERVER_RPC_CALL_H_

#include <grpc/grpc.h>
#include <stdbool.h>

#include "server/call_faults.h"
#include "server/call_state.h"
#include "server/rpc_answer.h"
#include "server/rpc_dispatch.h"
#include "server/rpc_outbox.h"
#include "server/rpc_thread.h"

C_DECLS_BEGIN

struct rpc_call {
    struct call call; /* first */
    struct rpc_thread *thread;
    struct rpc_call *next_idle;
    struct rpc_call *next_handed_back;
    bool is_handed_back; /* by __atomic */
    bool is_gone;        /* by __atomic: the client left before the end */

    /* What happens is told by these; wake_tag has no function (rpc_thread.c). */
    struct rpc_tag new_tag, message_tag, close_tag, sent_tag, end_tag, wake_tag;
    uint32_t tags_out; /* batches whose tags have not come */
    bool reads;
    bool has_read_all; /* the client will send no more */
    bool in_handler;
    bool watches; /* RECV_CLOSE was asked for */
    bool has_sent_head;
    bool is_turned_away; /* came while the server was draining */
    bool is_late;        /* waits, for the fault that it has met */
    bool ends;           /* the last batch was posted, or there is nobody to send it to */

    grpc_call *grpc;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request_buffer;
    grpc_slice request_slice; /* of a request that came in pieces */
    int cancelled;

    struct call_fate fate; /* code and latency 0: none */
    struct call_wait wait;

    grpc_byte_buffer *sending;
    size_t sending_bytes;
    struct rpc_outbox outbox;
    struct rpc_answer answer;
};

static inline enum rpc_kind rpc_call_kind(const struct rpc_call *call)
{
    return call->call.method->kind;
}

static inline bool rpc_call_is_gone(const struct rpc_call *call)
{
    return __atomic_load_n(&call->is_gone, __ATOMIC_ACQUIRE);
}

/* What handlers see of it; rpc_call_ops.c. */
extern const struct call_ops rpc_call_ops;

/* Asks the server for one call more. False: no memory. */
MUST_USE bool rpc_call_arm(struct rpc_thread *thread);
/* After it was handed back. */
void rpc_call_resume(struct rpc_call *call);
/* Frees an idle one. */
void rpc_call_destroy(struct rpc_call *call);

C_DECLS_END

#endif /* SERVER_RPC_CALL_H_ */
