/* json_message: the API's messages as JSON: a request's text read, an answer's bytes written.
 *
 * Used by   rest_request.c, rest_answer.c.
 * Shape     proto3 JSON by upb, after json_check: names in camelCase or as in the contract, enums as names or numbers,
 *           int64 as strings or numbers. Written are camelCase names, int64 as strings, and no field that is not set.
 * Owns      the definitions of all that is served, and of what may stand within an Any.
 * Thread    read-only once made; decode and encode on the arena's thread.
 * Errors    ERR_INVALID: no JSON, or none of this message; ERR_INTERNAL: stored bytes that do not decode; ERR_EXHAUSTED.
 */
#ifndef SERVER_JSON_MESSAGE_H_
#define SERVER_JSON_MESSAGE_H_

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"

C_DECLS_BEGIN

struct upb_Arena;
struct upb_MessageDef;
struct upb_MethodDef;

struct json_types;

MUST_USE int json_types_create(struct json_types **ret_types, struct err *err);
/* NULL is allowed. */
void json_types_destroy(struct json_types *types);

/* Each NULL when there is no such thing. path: "/package.Service/Method" */
const struct upb_MethodDef *json_types_method(const struct json_types *types, const char *path);
const struct upb_MessageDef *json_types_message(const struct json_types *types, const char *name);

/* Text to wire bytes, which lie in the arena. root: as json_check. */
MUST_USE int json_message_read(const struct json_types *types, const struct upb_MessageDef *type, struct span json,
                               const char *root, struct upb_Arena *arena, struct span *ret_wire, struct err *err);

/* Wire bytes that this server has made, to text behind what there is. */
MUST_USE int json_message_write(const struct json_types *types, const struct upb_MessageDef *type, struct span wire,
                                bool enums_as_numbers, struct text *text, struct err *err);

/* A string in quotes. What is not UTF-8 in it becomes a question mark. */
void json_add_string(struct text *text, struct span value);
/* JSON that is valid, again with line ends and two spaces for each level. */
void json_add_pretty(struct text *text, struct span json);

C_DECLS_END

#endif /* SERVER_JSON_MESSAGE_H_ */
