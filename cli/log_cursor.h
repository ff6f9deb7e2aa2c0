/* log_cursor: how far a log was read, so that a broken stream goes on without a line lost or twice.
 *
 * Used by   logs_tail.c.
 * Shape     for each replica and stream the time of its last entry and how many had that time. After a break the log is
 *           asked for from the earliest of these times on, and what was seen is passed over.
 * Owns      its list; bound: one row for each replica and stream that has written.
 * Thread    the caller's.
 * Errors    memory that is gone is ERR_EXHAUSTED.
 */
#ifndef CLI_LOG_CURSOR_H_
#define CLI_LOG_CURSOR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct log_cursor_row;

/* Zeroed it is at the beginning. */
struct log_cursor {
    struct log_cursor_row *rows;
    size_t count;
};

void log_cursor_deinit(struct log_cursor *cursor);
/* *ret_new: whether the entry is to be printed; then it counts as seen. */
MUST_USE int log_cursor_pass(struct log_cursor *cursor, struct span replica, int32_t stream, int64_t unix_ns,
                             bool *ret_new, struct err *err);
/* The stream begins anew. */
void log_cursor_restart(struct log_cursor *cursor);
/* From which time on to ask; false while nothing was seen. */
bool log_cursor_since(const struct log_cursor *cursor, int64_t *ret_unix_ns);

C_DECLS_END

#endif /* CLI_LOG_CURSOR_H_ */
