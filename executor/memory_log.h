/* memory_log: log lines of all jobs in memory; the oldest make room for new ones.
 *
 * Used by   executor_simulate.c.
 * Shape     a ring of MEMORY_LOG_LINES lines of at most MEMORY_LOG_TEXT_BYTES each, so that millions of jobs need no more
 *           memory than the first few thousand.
 * Owns      its lines, until the executor and the last cursor have let go of it.
 * Thread    any; one lock, not held while a line is given out.      Blocks    never.
 */
#ifndef EXECUTOR_MEMORY_LOG_H_
#define EXECUTOR_MEMORY_LOG_H_

#include "executor/executor.h"

C_DECLS_BEGIN

#define MEMORY_LOG_LINES 16384
#define MEMORY_LOG_TEXT_BYTES 1024

struct memory_log;

MUST_USE int memory_log_create(struct memory_log **ret_log, struct err *err);
void memory_log_unref(struct memory_log *log);
/* key: of the replica; for LOG_STREAM_SERVICE the job's id alone counts. A longer text is cut. */
void memory_log_append(struct memory_log *log, const struct execution_key *key, enum log_stream stream,
                       int64_t time_unix_ns, const char *text);

/* As log_open, log_read and log_close of executor.h. */
MUST_USE int memory_log_open(struct memory_log *log, uint64_t job_id, const char *replica,
                             struct log_cursor **ret_cursor, struct err *err);
MUST_USE int memory_log_read(struct log_cursor *cursor, log_line_fn line, void *context, struct err *err);
void memory_log_close(struct log_cursor *cursor);

C_DECLS_END

#endif /* EXECUTOR_MEMORY_LOG_H_ */
