/* list_filter_restriction: one comparison of a filter of jobs or operations as a test.
 *
 * Used by   list_filter_parse.c.
 * Errors    ERR_INVALID with the column: a field that cannot be filtered on, an operator that the field does not take,
 *           a value that is none of its kind. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_LIST_FILTER_RESTRICTION_H_
#define SERVER_LIST_FILTER_RESTRICTION_H_

#include "base/err.h"
#include "base/span.h"
#include "server/filter_grammar.h"
#include "server/list_filter.h"

C_DECLS_BEGIN

/* "field", "field.key". */
#define LIST_FILTER_PATH_MAX 2

struct upb_Arena;

/* The test's jumps are not set. */
MUST_USE int filter_restriction_compile(enum list_filter_of of, struct span text,
                                        const struct filter_comparison *comparison, struct upb_Arena *arena,
                                        struct store_test *ret_test, struct err *err);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_RESTRICTION_H_ */
