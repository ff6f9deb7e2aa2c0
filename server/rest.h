/* rest: the API as JSON over HTTP, served by the handlers that serve gRPC.
 *
 * Used by   http_router.c.
 * Shape     a path and a verb mean a method (rest_route.def); the request becomes its message's bytes, the handler's answer
 *           becomes JSON. What happens to calls of a simulation (call_faults) happens to these alike.
 * Owns      calls, from their start until their answers were sent.
 * Thread    rest_serve on the HTTP thread; answers as call.h. JSON is read and written on the HTTP thread alone.
 * Bound     LIMIT_CALLS_IN_FLIGHT calls at one time.
 */
#ifndef SERVER_REST_H_
#define SERVER_REST_H_

#include "base/err.h"
#include "server/http_exchange.h"
#include "server/services.h"
#include "server/status.h"

C_DECLS_BEGIN

struct rest;

MUST_USE int rest_create(const struct services *services, struct rest **ret_rest, struct err *err);
/* No call may be left. NULL is allowed. */
void rest_destroy(struct rest *rest);
/* False: no path of the API; the exchange is as it was. */
bool rest_serve(struct rest *rest, struct http_exchange *exchange);
/* The API as an OpenAPI document; lives as long as the rest. */
struct span rest_openapi(const struct rest *rest);
/* Answers with an error that no method has given. */
void rest_refuse(struct rest *rest, struct http_exchange *exchange, const struct err *err);

C_DECLS_END

#endif /* SERVER_REST_H_ */
