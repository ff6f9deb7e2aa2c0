/* json_check: whether a request's text is JSON that a message can be made of, before upb sees it.
 *
 * Used by   json_message.c.
 * Shape     RFC 8259 to the letter, and what upb_JsonDecode lets pass: invalid UTF-8, halves of surrogate pairs, a key that
 *           stands twice (in a message also as camelCase and snake_case of one field), bytes behind the value. At the top
 *           stands an object. What a field's value may be is upb's to say; that there is such a field is said here, of
 *           all that there are not at once.
 * Bound     nesting at most LIMIT_REQUEST_DEPTH; time n log n in the text's bytes.
 * Owns      nothing; names with escapes are decoded into the arena.
 * Thread    the arena's; the definitions are read-only.
 * Errors    ERR_INVALID with line and column, or the name and the place in the message; ERR_EXHAUSTED.
 * Source    RFC 8259; protobuf.dev, "ProtoJSON Format"; the sentences of Google's front end.
 */
#ifndef SERVER_JSON_CHECK_H_
#define SERVER_JSON_CHECK_H_

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct upb_Arena;
struct upb_MessageDef;

/* type: what the text is to become; NULL: any object. root: what the message is called in a place, "" for a request's
 * own fields. */
MUST_USE int json_check(struct span text, const struct upb_MessageDef *type, const char *root, struct upb_Arena *arena,
                        struct err *err);

C_DECLS_END

#endif /* SERVER_JSON_CHECK_H_ */
