/* rpc_dispatch: finds a method by its path, the one lookup every request makes.
 *
 * Used by   rpc_server.c fills it, rpc_call.c asks.
 * Shape     an open-addressed table at most a quarter full, made once.
 * Owns      its slots; methods belong to whoever listed them.
 * Thread    read-only after dispatch_create.      Blocks    never.
 */
#ifndef SERVER_RPC_DISPATCH_H_
#define SERVER_RPC_DISPATCH_H_

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "server/call.h"

C_DECLS_BEGIN

enum rpc_kind {
    RPC_UNARY,         /* one message, one answer */
    RPC_SERVER_STREAM, /* one message, a stream of answers */
    RPC_BIDI           /* the handler runs once per message */
};

struct rpc_method {
    const char *path; /* "/package.Service/Method" */
    enum rpc_kind kind;
    enum api_version version;
    call_handler_fn handler;
};

struct rpc_dispatch;

/* The list must outlive the table; two entries of one path are ERR_EXISTS. */
MUST_USE int rpc_dispatch_create(const struct rpc_method *methods, size_t count, struct rpc_dispatch **ret_dispatch,
                                 struct err *err);
void rpc_dispatch_destroy(struct rpc_dispatch *dispatch);
/* NULL: no such method. */
const struct rpc_method *rpc_dispatch_find(const struct rpc_dispatch *dispatch, struct span path);

C_DECLS_END

#endif /* SERVER_RPC_DISPATCH_H_ */
