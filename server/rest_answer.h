/* rest_answer: what a call ends with, as JSON: a message, or Google's form of an error.
 *
 * Used by   rest.c, rest_call.c.
 * Shape     {"error": {"code", "message", "status", "details"}}, code being the HTTP status that google.rpc.Code has.
 *           A page is written job by job, so that one at a time is in memory as a message.
 * Thread    any.
 * Errors    what cannot be written is answered with an error in its place.
 * Source    google/rpc/code.proto; AIP-193.
 */
#ifndef SERVER_REST_ANSWER_H_
#define SERVER_REST_ANSWER_H_

#include "base/text.h"
#include "server/call_state.h"
#include "server/rest_request.h"

C_DECLS_BEGIN

struct rest_method;

#define REST_JSON "application/json; charset=UTF-8"

/* The HTTP status of a google.rpc.Code. */
int rest_http_status(int code);

/* Writes the answer, and gives its HTTP status. Takes over version and page. */
int rest_answer_write(const struct json_types *types, const struct rest_method *method, const struct rest_style *style,
                      struct call_answer *answer, struct text *text);
/* http: an HTTP status in place of the one that the code has; 0: none. */
int rest_error_write(const struct json_types *types, const struct rest_style *style, const struct status *status,
                     int http, struct text *text);

C_DECLS_END

#endif /* SERVER_REST_ANSWER_H_ */
