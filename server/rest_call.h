/* rest_call: one call that came as REST, from its path to its answer.
 *
 * Used by   rest.c.
 * Owns      itself, the request's bytes and the answer's text, until that was sent.
 * Thread    the HTTP thread's; handlers answer as call.h.
 */
#ifndef SERVER_REST_CALL_H_
#define SERVER_REST_CALL_H_

#include "base/text.h"
#include "server/rest.h"

C_DECLS_BEGIN

struct json_types;
struct rest_cache;
struct rest_path;
struct rest_routes;

struct rest {
    const struct services *services;
    struct json_types *types;
    struct rest_routes *routes;
    struct rest_cache *cache;
    struct text openapi;
    uint32_t calls; /* under way */
};

/* The handler may have answered when it returns. */
void rest_call_start(struct rest *rest, struct http_exchange *exchange, const struct rest_path *path);

C_DECLS_END

#endif /* SERVER_REST_CALL_H_ */
