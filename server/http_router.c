#include "server/http_router.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "server/excerpt.h"
#include "server/gcs.h"
#include "server/gcs_route.h"
#include "server/health_service.h"
#include "server/http_exchange.h"
#include "server/rest.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

struct http_router {
    const struct services *services;
    struct gcs *gcs; /* NULL: there are no buckets */
    struct rest *rest;
    bool has_stopped; /* by __atomic */
};

/* ---- modules: false, when the path is not theirs ---- */

static bool serve_health(struct http_router *router, struct http_exchange *exchange)
{
    struct health *health = router->services->health;

    if (!span_equal_text(http_exchange_path(exchange), "/healthz")) {
        return false;
    }
    if (health && health_is_serving(health)) {
        http_exchange_answer(exchange, 200, TEXT_PLAIN, span_of("ok\n"));
    } else {
        http_exchange_answer(exchange, 503, TEXT_PLAIN, span_of("not serving\n"));
    }
    return true;
}

static bool serve_openapi(struct http_router *router, struct http_exchange *exchange)
{
    if (!span_equal_text(http_exchange_path(exchange), "/openapi.json")) {
        return false;
    }
    http_exchange_answer(exchange, 200, "application/json; charset=UTF-8", rest_openapi(router->rest));
    return true;
}

static bool serve_api(struct http_router *router, struct http_exchange *exchange)
{
    return rest_serve(router->rest, exchange);
}

static bool serve_buckets(struct http_router *router, struct http_exchange *exchange)
{
    return router->gcs && gcs_serve(router->gcs, exchange);
}

static bool (*const modules[])(struct http_router *, struct http_exchange *) = {serve_health, serve_openapi, serve_api,
                                                                                serve_buckets};

/* ---- before them ---- */

/* An address or localhost: nobody else can make such a name lead here. */
static bool is_own_host(struct span host)
{
    const char *colon = host.size > 0 ? memrchr(host.data, ':', host.size) : NULL;
    char name[INET_ADDRSTRLEN];
    struct in_addr ip;

    if (host.size > 0 && host.data[0] == '[') {
        return true;
    }
    if (colon) {
        host.size = (size_t)(colon - host.data);
    }
    snprintf(name, sizeof name, "%.*s", SPAN_FORMAT(host));
    return span_equal_text(host, "localhost") || (host.size < sizeof name && inet_pton(AF_INET, name, &ip) == 1);
}

/* A browser says of every request of a page that changes something where the page is from. Of one that reads it does
 * not: there a stranger's name that leads to this host tells it. */
static bool is_of_a_page(const struct http_exchange *exchange)
{
    bool is_browser = span_starts_with(http_exchange_header(exchange, "user-agent"), span_of("Mozilla/"));

    return http_exchange_header(exchange, "origin").size > 0 ||
           span_equal_text(http_exchange_header(exchange, "sec-fetch-site"), "cross-site") ||
           (is_browser && !is_own_host(http_exchange_host(exchange)));
}

static int check(const struct http_router *router, struct http_exchange *exchange, struct err *err)
{
    struct span path = http_exchange_path(exchange);

    if (__atomic_load_n(&router->has_stopped, __ATOMIC_ACQUIRE)) {
        http_exchange_close(exchange);
        return err_set(err, ERR_UNAVAILABLE, "the server is stopping");
    }
    if (http_exchange_header_bytes(exchange) > LIMIT_METADATA_BYTES) {
        return err_set(err, ERR_INVALID, "The request's path and headers have %zu bytes, the limit is %d.",
                       http_exchange_header_bytes(exchange), LIMIT_METADATA_BYTES);
    }
    if (path.size == 0 || path.data[0] != '/') {
        return err_set(err, ERR_INVALID, "The request's target is to be a path, not \"%.*s\".",
                       SPAN_FORMAT(excerpt(path)));
    }
    if (is_of_a_page(exchange)) {
        return err_set(err, ERR_DENIED, "Requests of pages in a browser are refused: they could be a stranger's.");
    }
    return 0;
}

/* The server takes bodies as long as the longest module's. */
static bool is_too_long(const struct http_router *router, const struct http_exchange *exchange)
{
    return http_exchange_body(exchange).size > LIMIT_REQUEST_BYTES &&
           !(router->gcs && gcs_route_is_upload(http_exchange_path(exchange)));
}

void http_router_serve(void *context, struct http_exchange *exchange)
{
    struct http_router *router = context;
    struct err err = ERR_INIT;

    if (is_too_long(router, exchange)) {
        http_exchange_answer(exchange, 413, TEXT_PLAIN, span_of("the request's body is above the limit of 4 MiB\n"));
        return;
    }
    if (check(router, exchange, &err)) {
        rest_refuse(router->rest, exchange, &err);
        return;
    }
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        if (modules[i](router, exchange)) {
            return;
        }
    }
    err_set(&err, ERR_NOT_FOUND, "The path %.*s is not known; the API is at /v1 and /v1beta1.",
            SPAN_FORMAT(excerpt(http_exchange_path(exchange))));
    rest_refuse(router->rest, exchange, &err);
}

/* ---- life ---- */

int http_router_create(const struct services *services, struct gcs *gcs, struct http_router **ret_router,
                       struct err *err)
{
    struct http_router *router = calloc(1, sizeof *router);

    if (!router) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the HTTP router");
    }
    router->services = services;
    router->gcs = gcs;
    if (rest_create(services, &router->rest, err)) {
        http_router_destroy(router);
        return -1;
    }
    *ret_router = router;
    return 0;
}

void http_router_stop(struct http_router *router)
{
    __atomic_store_n(&router->has_stopped, true, __ATOMIC_RELEASE);
}

void http_router_destroy(struct http_router *router)
{
    if (router) {
        rest_destroy(router->rest);
        free(router);
    }
}
