/* list_filter_pattern: the text of a filter's value, cut at its wildcards.
 *
 * Used by   list_filter*.c.
 * Owns      pieces lie in the arena.
 * Errors    ERR_INVALID: an escape that means nothing, with its column. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_LIST_FILTER_PATTERN_H_
#define SERVER_LIST_FILTER_PATTERN_H_

#include "base/err.h"
#include "base/span.h"
#include "server/list_filter_token.h"
#include "storage/store_filter.h"

C_DECLS_BEGIN

struct upb_Arena;

/* Of a token's text, which is part of the filter's text. */
MUST_USE int filter_pattern_make(struct span filter_text, struct span token_text, struct upb_Arena *arena,
                                 struct store_pattern *ret_pattern, struct err *err);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_PATTERN_H_ */
