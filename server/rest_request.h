/* rest_request: a REST request as the message that the method takes, and how its answer is to look.
 *
 * Used by   rest_call.c.
 * Shape     the path's name, the query's parameters and the body go into fields of the message; its wire bytes are what
 *           gRPC would have brought. A parameter is a field of the request that neither path nor body fill, in either
 *           spelling, or one of the parameters that all of Google's APIs have.
 * Owns      nothing: the bytes lie in the arena.
 * Thread    the arena's.
 * Errors    ERR_INVALID names the parameter, the field, or line and column; ERR_EXHAUSTED.
 * Source    google/api/http.proto; the system parameters of Google's APIs.
 */
#ifndef SERVER_REST_REQUEST_H_
#define SERVER_REST_REQUEST_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct json_types;
struct rest_method;
struct upb_Arena;

struct rest_style {
    bool enums_as_numbers;
    bool is_pretty;
};

struct rest_source {
    const struct rest_method *method;
    struct span name; /* of the path, not yet decoded */
    struct span query;
    struct span body;
};

struct rest_request {
    struct span wire;
    struct span request_id; /* of the query; empty without one */
    struct rest_style style;
};

/* *ret_request's style counts also after an error: it is read first. */
MUST_USE int rest_request_read(const struct json_types *types, const struct rest_source *source,
                               struct upb_Arena *arena, struct rest_request *ret_request, struct err *err);

C_DECLS_END

#endif /* SERVER_REST_REQUEST_H_ */
