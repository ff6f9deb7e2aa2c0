/* rpc_exchange: what goes back and forth between a call and its client, batch by batch.
 *
 * Used by   rpc_call.c, which is told of each batch's end, and rpc_call_ops.c.
 * Shape     at most one message is on its way in each direction; the end is the last batch of all. A batch that C-core
 *           refuses brings no tag: its call is as good as gone.
 * Thread    the call's rpc_thread.
 */
#ifndef SERVER_RPC_EXCHANGE_H_
#define SERVER_RPC_EXCHANGE_H_

#include "server/rpc_call.h"

C_DECLS_BEGIN

/* Asks for the client's next message: message_tag. */
void rpc_exchange_read(struct rpc_call *call);
/* Asks to be told when the client leaves, or has all it was to get: close_tag. */
void rpc_exchange_watch(struct rpc_call *call);
/* Posts the last batch, the answer, unless nobody is there for it: end_tag. */
void rpc_exchange_end(struct rpc_call *call);
/* Does the next thing that can be done. Idempotent. */
void rpc_exchange_advance(struct rpc_call *call);

C_DECLS_END

#endif /* SERVER_RPC_EXCHANGE_H_ */
