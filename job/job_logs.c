#include "job/job_logs.h"

int job_logs_open(struct executor *executor, uint64_t job_id, const char *replica, struct log_cursor **ret_cursor,
                  struct err *err)
{
    return executor->ops->log_open(executor, job_id, replica, ret_cursor, err);
}

int job_logs_read(struct executor *executor, struct log_cursor *cursor, log_line_fn line, void *context,
                  struct err *err)
{
    return executor->ops->log_read(cursor, line, context, err);
}

void job_logs_close(struct executor *executor, struct log_cursor *cursor)
{
    if (cursor) {
        executor->ops->log_close(cursor);
    }
}
