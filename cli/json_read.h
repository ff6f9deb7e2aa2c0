/* json_read: reads strict JSON (RFC 8259) into a doc.
 *
 * Used by   doc_read.c for files, json_message.c for what upb has written.
 * Shape     valid UTF-8, no key twice, nothing after the value, at most DOC_DEPTH_MAX levels: all that
 *           upb_JsonDecode would let pass.
 * Owns      nothing: nodes in the arena; texts there or in the input, which must live as long.
 * Errors    ERR_INVALID, "line N: …".
 */
#ifndef CLI_JSON_READ_H_
#define CLI_JSON_READ_H_

#include "cli/doc.h"

C_DECLS_BEGIN

MUST_USE int json_read(struct span input, struct upb_Arena *arena, struct doc **ret_doc, struct err *err);

C_DECLS_END

#endif /* CLI_JSON_READ_H_ */
