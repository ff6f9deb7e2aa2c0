/* log_reader: the logs of one job, all replicas and attempts and the service's, merged by time.
 *
 * Used by   executors that keep attempt directories.
 * Shape     each call looks for new attempts and reads what all files hold by then, in order of time; within a file, in
 *           order of the file. Calls after one another follow files that grow: a line that was written late may then
 *           come after one that is younger.
 * Owns      a descriptor of the attempts' directory; it outlives the executor.
 * Thread    one per cursor, any.      Blocks    on the disk.
 */
#ifndef EXECUTOR_LOG_READER_H_
#define EXECUTOR_LOG_READER_H_

#include "executor/executor.h"

C_DECLS_BEGIN

struct keyring;

/* keys: to open sealed logs with; NULL: none. replica: "workerpool0-0", or "" for all and the service. A job without files has no lines yet. */
MUST_USE int log_reader_open(struct keyring *keys, int attempts_fd, uint64_t job_id, const char *replica,
                             struct log_cursor **ret_cursor, struct err *err);
MUST_USE int log_reader_read(struct log_cursor *cursor, log_line_fn line, void *context, struct err *err);
void log_reader_close(struct log_cursor *cursor);

C_DECLS_END

#endif /* EXECUTOR_LOG_READER_H_ */
