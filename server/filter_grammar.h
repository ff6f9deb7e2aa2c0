/* filter_grammar: the grammar of AIP-160, apart from what fields there are.
 *
 * Used by   list_filter_parse.c (jobs, operations), log_filter.c (log entries).
 * Shape       expression   factor { [AND] factor }        side by side is AND
 *             factor       term { OR term }               OR binds tighter than AND
 *             term         [ NOT | - ] simple
 *             simple       ( expression ) | path operator value
 *             path         word { . key }
 *           Comparisons are numbered as they stand, and compiled by the caller. AND, OR, NOT and != become jumps between
 *           them: begin with comparison 0 and go to next[holds] until that is an answer. Jumps lead forward only.
 * Bound     LIMIT_FILTER_BYTES, _DEPTH (parentheses), _TERMS (comparisons), path_max.
 * Owns      nothing: tokens point into the text.
 * Thread    any; pure.
 * Errors    ERR_INVALID: the column, what was expected and what was found; what compile says.
 * Source    AIP-160
 */
#ifndef SERVER_FILTER_GRAMMAR_H_
#define SERVER_FILTER_GRAMMAR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "server/list_filter_token.h"

C_DECLS_BEGIN

#define FILTER_PATH_MAX 8

/* In place of a comparison's number. */
#define FILTER_NO_MATCH UINT16_MAX
#define FILTER_MATCH (UINT16_MAX - 1)

struct filter_comparison {
    struct filter_token path[FILTER_PATH_MAX];
    size_t path_count; /* at least 1 */
    struct filter_token sign;
    struct filter_token value;
};

struct filter_jumps {
    uint16_t count;                       /* of comparisons; 0: everything matches */
    uint16_t next[LIMIT_FILTER_TERMS][2]; /* when it does not hold, when it does */
};

/* Compiles comparison index. `!=` is compiled as `=`: the jumps do the rest. */
typedef int (*filter_compile_fn)(void *context, uint16_t index, const struct filter_comparison *comparison,
                                 struct err *err);

/* path_max: at most FILTER_PATH_MAX. */
MUST_USE int filter_grammar_parse(struct span text, size_t path_max, filter_compile_fn compile, void *context,
                                  struct filter_jumps *ret_jumps, struct err *err);

C_DECLS_END

#endif /* SERVER_FILTER_GRAMMAR_H_ */
