#include "executor/process_parts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "executor/attempt_dir.h"
#include "executor/log_reader.h"

static struct process_parts *self_of(struct executor *executor)
{
    return (struct process_parts *)executor;
}

static int adopt(struct executor *executor, const struct execution_key *key, struct err *err)
{
    return process_thread_push(self_of(executor)->thread,
                               &(struct process_command){.kind = PROCESS_COMMAND_ADOPT, .key = *key}, err);
}

static void stop(struct executor *executor, const struct execution_key *key, int64_t grace_ms)
{
    struct process_command command = {.kind = PROCESS_COMMAND_STOP, .key = *key, .grace_ms = grace_ms};
    struct err ignored = ERR_INIT;

    if (process_thread_push(self_of(executor)->thread, &command, &ignored) != 0) {
        /* Only when a million commands wait or memory is gone; a later start of the server asks again. */
    }
}

static int remove_files(struct executor *executor, uint64_t job_id, struct err *err)
{
    struct process_command command = {.kind = PROCESS_COMMAND_REMOVE, .key = {.job_id = job_id}};

    return process_thread_push(self_of(executor)->thread, &command, err);
}

/* What was asked for and not done yet may make files: then the answer is yes, and remove finds out. */
static bool has_files(struct executor *executor, uint64_t job_id)
{
    struct process_parts *self = self_of(executor);
    bool was_idle = process_thread_is_idle(self->thread);
    char path[ATTEMPT_PATH_BYTES];
    struct stat status;

    attempt_job_path(job_id, path);
    return !was_idle || fstatat(self->config.attempts_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void service_log(struct executor *executor, uint64_t job_id, const char *line)
{
    struct process_parts *self = self_of(executor);
    struct process_command command = {.kind = PROCESS_COMMAND_SERVICE_LOG,
                                      .key = {.job_id = job_id},
                                      .time_unix_ns = clock_wall_unix_ns(self->config.clock)};
    struct err ignored = ERR_INIT;

    if (process_thread_is_crowded(self->thread)) {
        return;
    }
    command.line = strdup(line);
    if (command.line && process_thread_push(self->thread, &command, &ignored) != 0) {
        /* A line of the log is lost; nothing depends on it. */
    }
}

static void seal_begin(struct executor *executor, uint64_t job_id, const char *key_name)
{
    struct process_command command = {
        .kind = PROCESS_COMMAND_SEAL_BEGIN, .key = {.job_id = job_id}, .line = strdup(key_name)};
    struct err ignored = ERR_INIT;

    if (!command.line || process_thread_push(self_of(executor)->thread, &command, &ignored) != 0) {
        /* As with a stop; the next start of the server asks again. */
    }
}

static void seal_end(struct executor *executor, uint64_t job_id)
{
    struct process_command command = {.kind = PROCESS_COMMAND_SEAL_END, .key = {.job_id = job_id}};
    struct err ignored = ERR_INIT;

    if (process_thread_push(self_of(executor)->thread, &command, &ignored) != 0) {
        /* Likewise: the next start finds the job's mark. */
    }
}

static int log_open(struct executor *executor, uint64_t job_id, const char *replica, struct log_cursor **ret_cursor,
                    struct err *err)
{
    return log_reader_open(self_of(executor)->config.keys, self_of(executor)->config.attempts_fd, job_id, replica,
                           ret_cursor, err);
}

struct executor_ops process_parts_ops(void)
{
    return (struct executor_ops){.adopt = adopt,
                                 .stop = stop,
                                 .remove = remove_files,
                                 .has_files = has_files,
                                 .service_log = service_log,
                                 .seal_begin = seal_begin,
                                 .seal_end = seal_end,
                                 .log_open = log_open,
                                 .log_read = log_reader_read,
                                 .log_close = log_reader_close};
}
