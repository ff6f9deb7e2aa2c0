/* main_listen: the addresses of one server, gRPC's and HTTP's, from the flags to the ready line.
 *
 * Used by   main_serve.c.
 * Owns      claims of unix sockets and credentials, until main_listen_close, which comes after the servers' end.
 * Errors    each function's failure has one exit code: open's MAIN_EXIT_USAGE, bind's MAIN_EXIT_ADDRESS.
 */
#ifndef SERVER_MAIN_LISTEN_H_
#define SERVER_MAIN_LISTEN_H_

#include "base/err.h"
#include "server/config.h"
#include "server/listen_address.h"

C_DECLS_BEGIN

struct http_server;
struct http_tls;
struct rpc_server;
struct server_credentials;

/* The addresses that one transport serves on. */
struct main_listen_set {
    size_t count;
    struct listen_address addresses[LISTEN_ADDRESSES_MAX];
    struct listen_claim claims[LISTEN_ADDRESSES_MAX];
    int ports[LISTEN_ADDRESSES_MAX];
};

struct main_listen {
    struct main_listen_set grpc;
    struct main_listen_set http;
    struct server_credentials *credentials[LISTEN_ADDRESSES_MAX];
    struct http_tls *tls[LISTEN_ADDRESSES_MAX]; /* NULL: none */
};

/* Reads addresses and certificates; takes nothing yet. On failure, too, close is to be called. */
MUST_USE int main_listen_open(const struct config *config, struct main_listen *listen, struct err *err);
/* Takes the addresses for the servers. http: NULL where it listens nowhere. */
MUST_USE int main_listen_bind(struct main_listen *listen, struct rpc_server *rpc, struct http_server *http,
                              struct err *err);
/* Prints `ready grpc=…` on standard output, with `http=…` where it listens. */
MUST_USE int main_listen_print_ready(const struct main_listen *listen, struct err *err);
void main_listen_close(struct main_listen *listen);

C_DECLS_END

#endif /* SERVER_MAIN_LISTEN_H_ */
