/* http_server: the HTTP half of the front door: listening addresses, connections, and the one thread they live on.
 *
 * Used by   main_serve.c.
 * Shape     HTTP/1.1 and HTTP/2, plain and over TLS, by libh2o; nothing of that library is seen outside http_*.c. Each
 *           request that has come as a whole is given to serve, on the thread, which answers at once or later.
 * Owns      the thread, its connections and exchanges; a registered store reader.
 * Bound     base/limits.h: connections, header and body bytes, the time of a request, of an answer being taken, of a
 *           handshake. At the bound of connections no more are accepted until one ends.
 * Thread    create, listen, start, drain, stop and destroy from the one thread that made it.
 * Blocks    http_server_stop for its grace; http_server_destroy until the last exchange has been answered.
 * Errors    ERR_IN_USE: an address that somebody else holds. ERR_IO.
 * Source    docs/decisions/0020-libh2o.md
 */
#ifndef SERVER_HTTP_SERVER_H_
#define SERVER_HTTP_SERVER_H_

#include <stdint.h>

#include "base/err.h"
#include "server/listen_address.h"

C_DECLS_BEGIN

struct http_exchange;
struct http_server;
struct http_tls;
struct store;

struct http_server_options {
    struct store *store; /* what serve reads; NULL: it reads none */
    /* On the HTTP thread. */
    void (*serve)(void *context, struct http_exchange *exchange);
    void *context;
    uint32_t connections_max; /* 0: LIMIT_HTTP_CONNECTIONS */
    int64_t request_ms;       /* 0: LIMIT_HTTP_REQUEST_MS */
    int64_t answer_ms;        /* 0: LIMIT_HTTP_ANSWER_MS */
    size_t body_bytes_max;    /* 0: LIMIT_REQUEST_BYTES */
    /* Where what is above a megabyte of a body lies in a file that has no name; NULL: in memory. Of the process: one has it. */
    const char *spill_dir;
};

MUST_USE int http_server_create(const struct http_server_options *options, struct http_server **ret_server,
                                struct err *err);
/* Before start. tls: NULL for none; stays the caller's. ret_port: the port taken; 1 for a unix address. */
MUST_USE int http_server_listen(struct http_server *server, const struct listen_address *address, struct http_tls *tls,
                                int *ret_port, struct err *err);
MUST_USE int http_server_start(struct http_server *server, struct err *err);
/* Accepts no more, and ends connections as they fall idle; serve refuses what still comes. Returns at once. */
void http_server_drain(struct http_server *server);
bool http_server_is_draining(const struct http_server *server);
/* Drains; what is under way has grace_ms, then connections are cut. What waits for the controller lives on until that has
 * answered: stop the controller after this and before http_server_destroy. */
void http_server_stop(struct http_server *server, int64_t grace_ms);
/* Cuts the grace of a http_server_stop short. Any thread. */
void http_server_hurry(struct http_server *server);
/* After http_server_stop, or instead of start. NULL is allowed. */
void http_server_destroy(struct http_server *server);

C_DECLS_END

#endif /* SERVER_HTTP_SERVER_H_ */
