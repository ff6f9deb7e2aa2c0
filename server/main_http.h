/* main_http: the HTTP half of a server's life: made where an address asks for it, else nothing.
 *
 * Used by   main_serve.c.
 * Shape     a zeroed struct main_http is one that is not there; each function takes it.
 * Owns      the router and the server, until main_http_destroy.
 * Thread    main's; main_http_hurry from any.
 */
#ifndef SERVER_MAIN_HTTP_H_
#define SERVER_MAIN_HTTP_H_

#include <stdint.h>

#include "base/err.h"
#include "server/services.h"

C_DECLS_BEGIN

struct gcs;
struct http_router;
struct http_server;

struct main_http {
    struct gcs *gcs; /* NULL: no buckets */
    struct http_router *router;
    struct http_server *server;
};

/* buckets_dir: NULL for none. */
MUST_USE int main_http_make(struct main_http *http, const struct services *services, const char *buckets_dir,
                            struct err *err);
MUST_USE int main_http_start(struct main_http *http, struct err *err);
/* Refuses what comes from here on; returns at once. */
void main_http_drain(struct main_http *http);
/* What is under way has until then, by CLOCK_MONOTONIC. */
void main_http_stop(struct main_http *http, int64_t deadline_mono_ns);
void main_http_hurry(struct main_http *http);
void main_http_destroy(struct main_http *http);

C_DECLS_END

#endif /* SERVER_MAIN_HTTP_H_ */
