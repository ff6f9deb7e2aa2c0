/* rpc_server: the gRPC half of the front door: listening addresses, completion queues and the calls on them.
 *
 * Used by   main_serve.c.
 * Shape     N call threads, each with a completion queue, calls and arenas of its own. A call is matched by its path on
 *           its metadata alone; what is not served, too much or too large is refused before its message is read.
 * Owns      call threads, queues and C-core's server; a registered store reader per call thread.
 * Thread    create, listen, start, stop and destroy from the one thread that made it.
 * Blocks    rpc_server_stop for its grace; rpc_server_destroy until the last call has come back from whoever has it.
 * Errors    ERR_IN_USE: an address that somebody else holds. ERR_INVALID: one that is none.
 * Source    docs/ARCHITECTURE.md; docs/decisions/0001-grpc-c-core.md
 */
#ifndef SERVER_RPC_SERVER_H_
#define SERVER_RPC_SERVER_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "server/rpc_dispatch.h"
#include "server/services.h"

C_DECLS_BEGIN

struct grpc_server_credentials;
struct rpc_server;

struct rpc_server_options {
    const struct services *services;
    const struct rpc_method *methods;
    size_t method_count;
    /* The sentence of UNIMPLEMENTED for any other path; at most so many bytes with NUL. */
    void (*unserved)(struct span path, char *text, size_t text_bytes);
    uint32_t call_threads;        /* 0: half as many as there are processors, from 1 to 4 */
    uint32_t calls_in_flight_max; /* over all threads; 0: LIMIT_CALLS_IN_FLIGHT */
};

MUST_USE int rpc_server_create(const struct rpc_server_options *options, struct rpc_server **ret_server,
                               struct err *err);
/* "127.0.0.1:0", "[::1]:8080", "unix:/run/x". Before start. ret_port: the port taken; 1 for a unix address. The
 * credentials stay the caller's. */
MUST_USE int rpc_server_listen(struct rpc_server *server, const char *address,
                               struct grpc_server_credentials *credentials, int *ret_port, struct err *err);
MUST_USE int rpc_server_start(struct rpc_server *server, struct err *err);
/* Refuses new calls, UNAVAILABLE; those under way have grace_ms, then they are cancelled. One that waits for the controller lives on
 * until that has answered: stop the controller after this and before rpc_server_destroy. */
void rpc_server_stop(struct rpc_server *server, int64_t grace_ms);
/* Cuts the grace of a rpc_server_stop short. Any thread. */
void rpc_server_hurry(struct rpc_server *server);
/* After rpc_server_stop, or instead of start. NULL is allowed. */
void rpc_server_destroy(struct rpc_server *server);

C_DECLS_END

#endif /* SERVER_RPC_SERVER_H_ */
