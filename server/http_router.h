/* http_router: who answers a request that came over HTTP, and what nobody is asked about.
 *
 * Used by   main_serve.c.
 * Shape     a list of modules, asked in order; the first that knows the path answers. Before them stand the bounds, and
 *           the refusal of what a page in a browser sends: whoever is asked here runs programs on this host, and a page
 *           of a stranger must not get a browser on this host to ask.
 * Owns      the modules.
 * Thread    http_router_serve on the HTTP thread; the rest on main's.
 */
#ifndef SERVER_HTTP_ROUTER_H_
#define SERVER_HTTP_ROUTER_H_

#include "base/err.h"
#include "server/services.h"

C_DECLS_BEGIN

struct gcs;
struct http_exchange;
struct http_router;

/* gcs: NULL for none; must outlive the router. */
MUST_USE int http_router_create(const struct services *services, struct gcs *gcs, struct http_router **ret_router,
                                struct err *err);
/* Nobody may be under way. NULL is allowed. */
void http_router_destroy(struct http_router *router);
/* Of a struct http_server_options; context is the router. */
void http_router_serve(void *context, struct http_exchange *exchange);
/* From here on everything is refused, UNAVAILABLE. Any thread. */
void http_router_stop(struct http_router *router);

C_DECLS_END

#endif /* SERVER_HTTP_ROUTER_H_ */
