/* json_message: upb messages from JSON and back into docs.
 *
 * Used by   job_input.c, output.c.
 * Shape     JSON is what doc_typed_json has checked, or what upb has written: nothing else may come here, for
 *           upb_JsonDecode lets invalid UTF-8, trailing bytes and keys that stand twice pass.
 * Owns      nothing: all lies in the arena.      Thread    the arena's.
 * Errors    ERR_INVALID with upb's sentence, ERR_EXHAUSTED.
 */
#ifndef CLI_JSON_MESSAGE_H_
#define CLI_JSON_MESSAGE_H_

#include "base/err.h"
#include "base/span.h"
#include "upb/def.h"
#include "upb/reflection.h"

C_DECLS_BEGIN

struct doc;

MUST_USE int json_message_decode(struct span json, const upb_MessageDef *type, const upb_DefPool *pool,
                                 upb_Arena *arena, upb_Message **ret_message, struct err *err);
/* Field names in camelCase, as the API's own JSON, in the order of the fields' numbers. */
MUST_USE int json_message_to_doc(const upb_Message *message, const upb_MessageDef *type, const upb_DefPool *pool,
                                 upb_Arena *arena, struct doc **ret_doc, struct err *err);

C_DECLS_END

#endif /* CLI_JSON_MESSAGE_H_ */
