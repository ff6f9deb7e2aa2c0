/* yaml_read: reads one YAML 1.2 document into a doc.
 *
 * Used by   doc_read.c.
 * Shape     anchors, aliases and merge keys (<<) are followed; keys are scalars; no key twice; at most DOC_DEPTH_MAX
 *           levels as written. A scalar without quotes is marked plain, so that a field of type string may still take
 *           what looks like a number.
 * Owns      nothing: nodes and texts in the arena.
 * Errors    ERR_INVALID, "line N: …".
 */
#ifndef CLI_YAML_READ_H_
#define CLI_YAML_READ_H_

#include "cli/doc.h"

C_DECLS_BEGIN

MUST_USE int yaml_read(struct span input, struct upb_Arena *arena, struct doc **ret_doc, struct err *err);

C_DECLS_END

#endif /* CLI_YAML_READ_H_ */
