/* json_scan: JSON's characters, strings, numbers and words, as RFC 8259 has them and not a bit wider.
 *
 * Used by   json_check.c, which knows lists, objects and messages.
 * Shape     a scan is a place in a text. Each function takes one thing off it, or fails with line and column.
 * Owns      nothing.
 * Thread    any; pure.
 * Errors    ERR_INVALID in scan->err; false is returned.
 * Source    RFC 8259, RFC 3629.
 */
#ifndef SERVER_JSON_SCAN_H_
#define SERVER_JSON_SCAN_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"

C_DECLS_BEGIN

struct json_scan {
    struct span text;
    const char *at;
    const char *end;
    struct err *err;
};

/* Always false, so that `return json_scan_fail(…)` reads well. at: what is wrong stands here. */
bool json_scan_fail(const struct json_scan *scan, const char *at, const char *format, ...) PRINTF_LIKE(3, 4);

/* NUL at the end, which is told apart by scan->at. */
char json_scan_peek(const struct json_scan *scan);
void json_scan_space(struct json_scan *scan);
/* Passes over space and takes the character; what: how it is called where it is missing. */
MUST_USE bool json_scan_expect(struct json_scan *scan, char wanted, const char *what);

/* At a quote. decoded, when not NULL, gets what the string means behind what there is. */
MUST_USE bool json_scan_string(struct json_scan *scan, struct text *decoded);
/* At a digit or a minus. */
MUST_USE bool json_scan_number(struct json_scan *scan);
/* word: "true", "false" or "null". */
MUST_USE bool json_scan_word(struct json_scan *scan, const char *word);

C_DECLS_END

#endif /* SERVER_JSON_SCAN_H_ */
