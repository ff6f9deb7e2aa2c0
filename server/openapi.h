/* openapi: the REST API as an OpenAPI 3.1 document, made of what serves it.
 *
 * Used by   rest.c, which makes it once.
 * Shape     paths, verbs and parameters are those of rest_route.def, schemas those of the contract's descriptors, so that
 *           neither can say what is not so. A schema says what is taken: numbers for int64 and enums, null for "not set".
 *           What a job must have beyond its shape is no schema's to say; it is told by name when it is missing.
 * Thread    any.
 * Errors    ERR_EXHAUSTED.
 * Source    spec.openapis.org, 3.1.0.
 */
#ifndef SERVER_OPENAPI_H_
#define SERVER_OPENAPI_H_

#include "base/err.h"
#include "base/text.h"

C_DECLS_BEGIN

struct rest_routes;

MUST_USE int openapi_write(const struct rest_routes *routes, struct text *text, struct err *err);

C_DECLS_END

#endif /* SERVER_OPENAPI_H_ */
