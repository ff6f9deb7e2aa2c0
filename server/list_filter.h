/* list_filter: the text of a list request's filter, compiled to what the store understands.
 *
 * Used by   custom_job_service.c, operations_service.c.
 * Shape     the grammar of filter_grammar.h.
 *           Jobs have the fields, each also in lowerCamelCase:
 *             display_name   = != :        text
 *             state          = != :        a JobState by name
 *             create_time    all           RFC 3339, with any offset, to the nanosecond
 *             labels.KEY     = != :        text; labels.KEY:* asks whether there is one
 *             labels         :             a key, so that labels:KEY asks for the same
 *           Operations have `done` (= != :, true or false).
 *           A value is bare, up to a space or parenthesis, or in "" or ''. A backslash takes the next character as it
 *           is; \n, \r and \t are control characters. In values of = != and : an unescaped * stands for any run of
 *           characters; in those of : a lone * asks whether the field is set. `a != b` is NOT `a = b`, so it also
 *           matches an absent label.
 *           Text is compared byte by byte: case matters, nothing is folded or normalised. Keywords are upper case.
 * Bound     filter_grammar.h's.
 * Owns      a filter lives in the arena and borrows the text it was made of.
 * Thread    any; pure.
 * Errors    ERR_INVALID: the column, counted in characters from 1, what was expected and what was found.
 * Source    AIP-160; ListCustomJobsRequest.filter; docs/ARCHITECTURE.md
 */
#ifndef SERVER_LIST_FILTER_H_
#define SERVER_LIST_FILTER_H_

#include "base/err.h"
#include "base/span.h"
#include "storage/store_filter.h"

C_DECLS_BEGIN

struct upb_Arena;

enum list_filter_of { LIST_FILTER_JOBS, LIST_FILTER_OPERATIONS };

/* *ret_filter is NULL for a filter of nothing but space: everything matches. */
MUST_USE int list_filter_compile(enum list_filter_of of, struct span text, struct upb_Arena *arena,
                                 const struct store_filter **ret_filter, struct err *err);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_H_ */
