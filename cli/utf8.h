/* utf8: checks UTF-8, counts the columns it takes, and makes foreign text fit for a terminal.
 *
 * Used by   json_read.c, yaml_read.c, table.c, log_print.c, job_view.c.
 * Thread    any; pure.
 * Source    RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef CLI_UTF8_H_
#define CLI_UTF8_H_

#include <stdint.h>

#include "base/span.h"
#include "base/text.h"

C_DECLS_BEGIN

/* How many bytes the first code point takes, and which it is; 0 when the span is empty or does not start with one. */
size_t utf8_next(struct span text, uint32_t *ret_code_point);
/* The offset of the first byte that is no UTF-8; the size when all of it is. */
size_t utf8_valid_bytes(struct span text);
void utf8_add(struct text *text, uint32_t code_point);
/* How many columns a terminal needs; two for wide characters, none for combining ones. */
size_t utf8_columns(struct span text);
/* With control characters as \xNN and broken bytes as U+FFFD: what others wrote moves no cursor of ours. */
void utf8_add_printable(struct text *text, struct span foreign);

C_DECLS_END

#endif /* CLI_UTF8_H_ */
