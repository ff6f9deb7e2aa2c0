/* job_logs: the logs of a job for rooms that may not know executors.
 *
 * Used by   server/logs_service.c.
 * Thread    one per cursor, any.      Blocks    job_logs_read on the disk.
 */
#ifndef JOB_JOB_LOGS_H_
#define JOB_JOB_LOGS_H_

#include "executor/executor.h" /* struct log_line */

C_DECLS_BEGIN

/* replica: "workerpool0-0", or "" for all and the service's own lines. */
MUST_USE int job_logs_open(struct executor *executor, uint64_t job_id, const char *replica,
                           struct log_cursor **ret_cursor, struct err *err);
MUST_USE int job_logs_read(struct executor *executor, struct log_cursor *cursor, log_line_fn line, void *context,
                           struct err *err);
void job_logs_close(struct executor *executor, struct log_cursor *cursor);

C_DECLS_END

#endif /* JOB_JOB_LOGS_H_ */
