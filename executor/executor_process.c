#include "executor/executor_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "executor/attempt_dir.h"
#include "executor/log_reader.h"
#include "executor/port_pool.h"
#include "executor/process_thread.h"
#include "executor/python_env.h"
#include "executor/task_copy.h"

#define PORT_FIRST 20000
#define PORT_LAST 29999

struct executor_process {
    struct executor executor; /* first */
    struct process_config config;
    struct port_pool *ports;
    struct process_thread *thread;
};

static struct executor_process *self_of(struct executor *executor)
{
    return (struct executor_process *)executor;
}

/* ---- addresses ---- */

static int assign_address(struct executor *executor, const struct execution_key *key, char *host, size_t host_bytes,
                          uint16_t *ret_port, struct err *err)
{
    if (port_pool_assign(self_of(executor)->ports, key, ret_port, err) != 0) {
        return -1;
    }
    (void)snprintf(host, host_bytes, "127.0.0.1");
    return 0;
}

static void claim_address(struct executor *executor, const struct execution_key *key, const char *host, uint16_t port)
{
    (void)host; /* there is one */
    port_pool_claim(self_of(executor)->ports, key, port);
}

static void release_addresses(struct executor *executor, uint64_t job_id)
{
    port_pool_release(self_of(executor)->ports, job_id);
}

/* ---- commands ---- */

static int start(struct executor *executor, const struct task *task, struct err *err)
{
    struct executor_process *self = self_of(executor);
    struct process_command command = {.kind = PROCESS_COMMAND_START, .key = task->key};

    if (task_copy_create(task, &command.task, err) != 0) {
        return -1;
    }
    if (task->python_module &&
        python_env_argv(command.task, self->config.buckets_dir, &command.module_argv, err) != 0) {
        free(command.task);
        return -1;
    }
    return process_thread_push(self->thread, &command, err);
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
    struct executor_process *self = self_of(executor);
    bool was_idle = process_thread_is_idle(self->thread);
    char path[ATTEMPT_PATH_BYTES];
    struct stat status;

    attempt_job_path(job_id, path);
    return !was_idle || fstatat(self->config.attempts_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void service_log(struct executor *executor, uint64_t job_id, const char *line)
{
    struct executor_process *self = self_of(executor);
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

/* ---- life ---- */

static void destroy(struct executor *executor)
{
    struct executor_process *self = self_of(executor);

    if (self->thread) {
        process_thread_destroy(self->thread);
    }
    port_pool_destroy(self->ports);
    process_config_deinit(&self->config);
    free(self);
}

static const struct executor_ops ops = {
    .name = "process",
    .needs_command = "a container image is only named here, and its entrypoint is not known: give the command in "
                     "container_spec.command, or run the server with --executor=docker",
    .assign_address = assign_address,
    .claim_address = claim_address,
    .release_addresses = release_addresses,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .remove = remove_files,
    .has_files = has_files,
    .service_log = service_log,
    .seal_begin = seal_begin,
    .seal_end = seal_end,
    .log_open = log_open,
    .log_read = log_reader_read,
    .log_close = log_reader_close,
    .destroy = destroy,
};

int executor_process_create(const struct executor_process_options *options, struct execution_sink sink,
                            struct executor **ret_executor, struct err *err)
{
    uint16_t port_first = options->port_first ? options->port_first : PORT_FIRST;
    uint16_t port_last = options->port_first ? options->port_last : PORT_LAST;
    struct executor_process *self = calloc(1, sizeof *self);

    if (!self) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    self->executor.ops = &ops;
    if (process_config_init(&self->config, options, err) != 0) {
        free(self);
        return -1;
    }
    if (port_pool_create(port_first, port_last, &self->ports, err) != 0 ||
        process_thread_create(&self->config, sink, &self->thread, err) != 0) {
        destroy(&self->executor);
        return -1;
    }
    *ret_executor = &self->executor;
    return 0;
}
