/* doc_write: prints a doc as JSON or YAML.
 *
 * Used by   output.c.
 * Shape     JSON with two spaces a level, or on one line; YAML in block style, texts in double quotes where a reader
 *           of YAML 1.1 or 1.2 could take them for something else.
 * Thread    any; pure.
 */
#ifndef CLI_DOC_WRITE_H_
#define CLI_DOC_WRITE_H_

#include "base/text.h"
#include "cli/doc.h"

C_DECLS_BEGIN

/* level: how deep the value stands already; without a newline at the end. */
void doc_write_json(struct text *text, const struct doc *doc, int level);
void doc_write_json_line(struct text *text, const struct doc *doc);
/* With a newline at the end. */
void doc_write_yaml(struct text *text, const struct doc *doc, int level);
/* In double quotes, with JSON's escapes. */
void doc_write_quoted(struct text *text, struct span string);

C_DECLS_END

#endif /* CLI_DOC_WRITE_H_ */
