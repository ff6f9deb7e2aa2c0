/* list_filter_pattern: a text with wildcards, and whether another text is of that form.
 *
 * Used by   list_filter*.c.
 * Shape     what stands between the wildcards, in order: the first piece begins the text, the last ends it, the others
 *           are found one after the other, each as early as it can be. One piece: no wildcard.
 * Owns      pieces lie in the arena.
 * Bound     matching is linear in pattern and text.
 * Errors    ERR_INVALID: an escape that means nothing, with its column. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_LIST_FILTER_PATTERN_H_
#define SERVER_LIST_FILTER_PATTERN_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "server/list_filter_token.h"

C_DECLS_BEGIN

struct upb_Arena;

struct filter_pattern {
    const struct span *pieces;
    size_t count; /* at least 1 */
};

/* Of a token's text, which is part of the filter's text. */
MUST_USE int filter_pattern_make(struct span filter_text, struct span token_text, struct upb_Arena *arena,
                                 struct filter_pattern *ret_pattern, struct err *err);
/* A lone wildcard. */
bool filter_pattern_is_any(const struct filter_pattern *pattern);
bool filter_pattern_matches(const struct filter_pattern *pattern, struct span text);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_PATTERN_H_ */
