#include "server/rest.h"

#include <stdlib.h>

#include "server/excerpt.h"
#include "server/json_message.h"
#include "server/openapi.h"
#include "server/rest_answer.h"
#include "server/rest_cache.h"
#include "server/rest_call.h"
#include "server/rest_route.h"

#define RESOURCE_EXHAUSTED 8
#define METHOD_NOT_ALLOWED 405

/* ---- what is no call ---- */

struct refusal {
    struct text text;
    upb_Arena *arena;
};

static void release_refusal(void *state)
{
    struct refusal *refusal = state;

    text_deinit(&refusal->text);
    upb_Arena_Free(refusal->arena);
    free(refusal);
}

/* http: 0 for the one that the error has. */
static void refuse_as(struct rest *rest, struct http_exchange *exchange, int http, const struct err *err)
{
    struct refusal *refusal = calloc(1, sizeof *refusal);
    const struct rest_style style = {.enums_as_numbers = false};
    struct status status;
    int own;

    if (refusal) {
        refusal->arena = upb_Arena_New();
    }
    if (!refusal || !refusal->arena) {
        free(refusal);
        http_exchange_answer(exchange, rest_http_status(RESOURCE_EXHAUSTED), NULL, span_make("", 0));
        return;
    }
    status_from_err(err, span_make("", 0), refusal->arena, &status);
    own = rest_error_write(rest->types, &style, &status, http, &refusal->text);
    http_exchange_own(exchange, refusal, release_refusal);
    http_exchange_answer(exchange, own, REST_JSON, text_span(&refusal->text));
}

void rest_refuse(struct rest *rest, struct http_exchange *exchange, const struct err *err)
{
    refuse_as(rest, exchange, 0, err);
}

static void refuse_verb(struct rest *rest, struct http_exchange *exchange, const char *allowed)
{
    struct span verb = http_exchange_method(exchange);
    struct err err = ERR_INIT;

    http_exchange_add_header(exchange, "allow", span_of(allowed));
    if (span_equal_text(verb, "OPTIONS")) {
        http_exchange_answer(exchange, rest_http_status(0), NULL, span_make("", 0));
        return;
    }
    err_set(&err, ERR_UNSUPPORTED, "This path takes %s, not %.*s.", allowed, SPAN_FORMAT(excerpt(verb)));
    refuse_as(rest, exchange, METHOD_NOT_ALLOWED, &err);
}

bool rest_serve(struct rest *rest, struct http_exchange *exchange)
{
    struct span path = http_exchange_path(exchange);
    struct span verb = http_exchange_method(exchange);
    struct rest_path found = {.method = NULL};
    struct err err = ERR_INIT;

    if (!rest_routes_is_api(path)) {
        return false;
    }
    if (span_equal_text(verb, "HEAD")) {
        verb = span_of("GET"); /* the same without a body */
    }
    switch (rest_routes_find(rest->routes, verb, path, &found)) {
    case REST_MATCHED:
        rest_call_start(rest, exchange, &found);
        return true;
    case REST_OTHER_VERB:
        refuse_verb(rest, exchange, found.allowed);
        return true;
    case REST_NO_SUCH_METHOD:
        err_set(&err, ERR_NOT_FOUND, "The method of %.*s is not known: its last segment ends with another verb.",
                SPAN_FORMAT(excerpt(path)));
        break;
    case REST_NOT_SERVED:
        err_set(&err, ERR_UNSUPPORTED,
                "%.*s is not supported by customjobd: of a location it serves customJobs and operations only.",
                SPAN_FORMAT(excerpt(path)));
        break;
    default:
        err_set(&err, ERR_NOT_FOUND, "The path %.*s is not known.", SPAN_FORMAT(excerpt(path)));
    }
    rest_refuse(rest, exchange, &err);
    return true;
}

struct span rest_openapi(const struct rest *rest)
{
    return text_span(&rest->openapi);
}

/* ---- making it ---- */

int rest_create(const struct services *services, struct rest **ret_rest, struct err *err)
{
    struct rest *rest = calloc(1, sizeof *rest);

    if (!rest) {
        return err_set(err, ERR_EXHAUSTED, "no memory for REST");
    }
    rest->services = services;
    rest->cache = rest_cache_create();
    if (!rest->cache) {
        rest_destroy(rest);
        return err_set(err, ERR_EXHAUSTED, "no memory for REST");
    }
    if (json_types_create(&rest->types, err) || rest_routes_create(rest->types, &rest->routes, err) ||
        openapi_write(rest->routes, &rest->openapi, err)) {
        rest_destroy(rest);
        return -1;
    }
    *ret_rest = rest;
    return 0;
}

void rest_destroy(struct rest *rest)
{
    if (rest) {
        rest_cache_destroy(rest->cache);
        rest_routes_destroy(rest->routes);
        json_types_destroy(rest->types);
        text_deinit(&rest->openapi);
        free(rest);
    }
}
