/* doc_read: a file, or standard input, as a doc.
 *
 * Used by   job_input.c.
 * Shape     JSON when the name ends in .json or, where the name does not tell, when it begins with { or [; else YAML.
 * Owns      nothing: all lies in the arena.
 * Errors    ERR_INVALID, beginning with the file's name: not there, larger than LIMIT_REQUEST_BYTES, neither of the two.
 */
#ifndef CLI_DOC_READ_H_
#define CLI_DOC_READ_H_

#include "cli/doc.h"

C_DECLS_BEGIN

/* name "-": standard input. */
MUST_USE int doc_read_file(const char *name, struct upb_Arena *arena, struct doc **ret_doc, struct err *err);
MUST_USE int doc_read_bytes(const char *name, struct span bytes, struct upb_Arena *arena, struct doc **ret_doc,
                            struct err *err);
/* The whole file; ERR_INVALID above limit bytes. */
MUST_USE int doc_read_contents(const char *name, size_t limit, struct upb_Arena *arena, struct span *ret_bytes,
                               struct err *err);
/* What errors call it. */
const char *doc_source_name(const char *name);

C_DECLS_END

#endif /* CLI_DOC_READ_H_ */
