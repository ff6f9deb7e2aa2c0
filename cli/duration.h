/* duration: lengths and points of time as people write and read them.
 *
 * Used by   args.c, session.c, job_view.c, command_logs.c, log_print.c.
 * Units     nanoseconds; points since 1970 UTC.
 * Thread    any; pure.      Errors    ERR_INVALID, naming what was written and what is taken.
 */
#ifndef CLI_DURATION_H_
#define CLI_DURATION_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "base/text.h"

C_DECLS_BEGIN

/* "90" and "90s", "250ms", "5m", "1h30m", "2d", "1.5h". */
MUST_USE int duration_parse(struct span text, int64_t *ret_ns, struct err *err);
/* RFC 3339, "2024-05-06T07:08:09.5Z" or with an offset such as +02:00. */
MUST_USE int time_parse(struct span text, int64_t *ret_unix_ns, struct err *err);

/* The two largest units: "41s", "5m2s", "3h10m", "2d4h"; below a minute with one decimal under ten seconds. */
void duration_add(struct text *text, int64_t ns);
/* "2024-05-06T07:08:09Z"; with_ms: ".250" before the Z. */
void time_add(struct text *text, int64_t unix_ns, int with_ms);

C_DECLS_END

#endif /* CLI_DURATION_H_ */
