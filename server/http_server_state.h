/* http_server_state: a server from within; what the files http_*.c share.
 *
 * Used by   http_server.c, http_listener.c, http_exchange.c.
 * Shape     libh2o's loop, its configuration with one handler for all paths, and lists of what is open.
 * Thread    the HTTP thread's, but for what is marked.
 */
#ifndef SERVER_HTTP_SERVER_STATE_H_
#define SERVER_HTTP_SERVER_STATE_H_

#define H2O_USE_LIBUV 0
#include <h2o.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/http_server.h"

C_DECLS_BEGIN

/* An answer that is smaller is sent as it is. */
#define HTTP_GZIP_LEAST_BYTES 4096

enum http_phase { HTTP_SERVING, HTTP_DRAINING, HTTP_CUTTING };

struct http_connection {
    struct http_connection *next;
    struct http_connection **place; /* what points here */
    struct http_server *server;
    h2o_socket_t *socket;
    size_t written; /* when it was last looked at */
    int64_t stuck_since_ms;
};

struct http_listener {
    struct http_server *server;
    h2o_socket_t *socket;      /* NULL: closed */
    h2o_accept_ctx_t accepted; /* libh2o keeps a pointer to it until a handshake is over */
    struct http_tls *tls;      /* NULL: none */
};

struct http_server {
    struct http_server_options options;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_multithread_receiver_t mail; /* of exchanges that are posted */
    struct http_listener listeners[LISTEN_ADDRESSES_MAX];
    size_t listener_count;
    struct http_connection *connections;
    uint32_t connection_count;
    bool is_full; /* listeners wait for a connection to end */
    int64_t looked_at_ms;
    pthread_t thread;
    bool runs;

    enum http_phase phase; /* by __atomic; main's to write */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t exchanges; /* under the lock */
    bool hurries;       /* under the lock */
};

struct http_handler {
    h2o_handler_t handler; /* first */
    struct http_server *server;
};

/* ---- http_listener.c ---- */
void http_listeners_close(struct http_server *server);
/* Ends connections that have taken nothing of their answer for too long, and goes on accepting where that had stopped. */
void http_connections_look(struct http_server *server, int64_t now_ms);
/* All of them. They end when the loop runs. */
void http_connections_cut(struct http_server *server);

/* ---- http_exchange.c ---- */
/* A h2o_handler_t's. */
int http_exchange_begin(h2o_handler_t *handler, h2o_req_t *request);
/* A h2o_multithread_receiver_t's. */
void http_exchange_take_mail(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

C_DECLS_END

#endif /* SERVER_HTTP_SERVER_STATE_H_ */
