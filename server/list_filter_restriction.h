/* list_filter_restriction: one comparison of a filter, "field operator value", as a test.
 *
 * Used by   list_filter_parse.c.
 * Errors    ERR_INVALID with the column: a field that cannot be filtered on, an operator that the field does not take,
 *           a value that is none of its kind. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_LIST_FILTER_RESTRICTION_H_
#define SERVER_LIST_FILTER_RESTRICTION_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "server/list_filter.h"
#include "server/list_filter_token.h"

C_DECLS_BEGIN

struct filter_restriction {
    struct filter_token field;
    bool has_key;
    struct filter_token key; /* "field.key" */
    struct filter_token sign;
    struct filter_token value;
};

struct upb_Arena;

MUST_USE int filter_restriction_compile(enum list_filter_of of, struct span text,
                                        const struct filter_restriction *restriction, struct upb_Arena *arena,
                                        struct store_test *ret_test, struct err *err);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_RESTRICTION_H_ */
