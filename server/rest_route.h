/* rest_route: which method a path and a verb mean, and what of the path is a name.
 *
 * Used by   rest.c, rest_call.c, rest_request.c, openapi.c.
 * Shape     rest_route.def is the list; each row is there for /v1, /v1beta1 and /ui, which is a second name of /v1, or, of
 *           the Logging API, for /v2. A path is
 *           taken apart as it was sent: what a segment means after percent-decoding cannot make another segment of it.
 * Owns      nothing: definitions are json_types', methods those of methods.def.
 * Thread    read-only once made.
 */
#ifndef SERVER_REST_ROUTE_H_
#define SERVER_REST_ROUTE_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct json_types;
struct rpc_method;
struct upb_FieldDef;
struct upb_MessageDef;

#define REST_SEGMENTS_MAX 12
#define REST_ALLOWED_BYTES 64

struct rest_route {
    const char *verb;
    const char *name;
    const char *tail;
    const char *custom_verb;
    const char *field;
    const char *body;
};

/* A route in one version: what is called, and how requests and answers are made. */
struct rest_method {
    const char *version; /* "v1"; one pointer for each */
    const struct rest_route *route;
    const struct rpc_method *method;
    const struct upb_MessageDef *request;
    const struct upb_MessageDef *response;
    const struct upb_FieldDef *name; /* of the request: the path's name goes here; NULL: nowhere */
    const struct upb_FieldDef *body; /* of the request; NULL: none, or all of it */
};

struct rest_routes;

MUST_USE int rest_routes_create(const struct json_types *types, struct rest_routes **ret_routes, struct err *err);
/* NULL is allowed. */
void rest_routes_destroy(struct rest_routes *routes);

enum rest_match {
    REST_MATCHED,
    REST_OTHER_VERB, /* allowed is filled in */
    REST_NOT_SERVED, /* something of a location that is served nowhere here */
    REST_NO_SUCH_METHOD /* a resource that is served, and a custom verb that is not */,
    REST_UNKNOWN
};

struct rest_path {
    const struct rest_method *method;
    struct span name;                 /* of the resource, not yet percent-decoded */
    char allowed[REST_ALLOWED_BYTES]; /* such as "GET, POST" */
};

enum rest_match rest_routes_find(const struct rest_routes *routes, struct span verb, struct span path,
                                 struct rest_path *ret_path);
/* All of them, version by version. NULL behind the last. */
const struct rest_method *rest_routes_at(const struct rest_routes *routes, size_t index);
/* The path begins with a version that is served. */
bool rest_routes_is_api(struct span path);

C_DECLS_END

#endif /* SERVER_REST_ROUTE_H_ */
