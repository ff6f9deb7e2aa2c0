/* list_filter_time: an RFC 3339 time as ns since 1970.
 *
 * Used by   list_filter_restriction.c.
 * Shape     "2024-05-18T07:30:00.5+02:00": T and Z in either case, up to nine digits of fraction, a leap second counts
 *           as the second after it.
 * Bound     what 64 bits do not hold (before 1677, after 2262) becomes INT64_MIN or INT64_MAX, and compares rightly.
 * Thread    any; pure.
 */
#ifndef SERVER_LIST_FILTER_TIME_H_
#define SERVER_LIST_FILTER_TIME_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* False: it is no such time. */
MUST_USE bool filter_time_parse(struct span text, int64_t *ret_unix_ns);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_TIME_H_ */
