#include "executor/executor_docker.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/attempt_container.h"
#include "executor/docker_lane.h"
#include "executor/docker_names.h"
#include "executor/executor_process.h"
#include "executor/process_execution.h"
#include "executor/process_parts.h"
#include "executor/python_env.h"
#include "executor/task_copy.h"

#define PUSH_AGAIN_MS 10

struct executor_docker {
    struct process_parts parts; /* first */
    struct docker_lanes *lanes;
    struct process_backend backend;
    struct executor_ops ops;
    atomic_bool ends;
};

static struct executor_docker *self_of(struct executor *executor)
{
    return (struct executor_docker *)executor;
}

/* ---- addresses: a network of its own for each job, so that none is ever taken ---- */

static int assign_address(struct executor *executor, const struct execution_key *key, char *host, size_t host_bytes,
                          uint16_t *ret_port, struct err *err)
{
    char name[DOCKER_HOST_BYTES];

    (void)executor;
    docker_host_name(key, name);
    if (strlen(name) >= host_bytes) {
        return err_set(err, ERR_INTERNAL, "the host name %s has no room", name);
    }
    memcpy(host, name, strlen(name) + 1);
    *ret_port = DOCKER_PORT;
    return 0;
}

static void claim_address(struct executor *executor, const struct execution_key *key, const char *host, uint16_t port)
{
    (void)executor;
    (void)key;
    (void)host;
    (void)port;
}

static void release_addresses(struct executor *executor, uint64_t job_id)
{
    (void)executor;
    (void)job_id;
}

/* ---- start ---- */

static int start(struct executor *executor, const struct task *task, struct err *err)
{
    struct executor_docker *self = self_of(executor);
    struct process_command command = {.kind = PROCESS_COMMAND_START, .key = task->key};

    if (task_copy_create(task, &command.task, err) != 0) {
        return -1;
    }
    if (task->python_module &&
        python_env_argv(command.task, self->parts.config.buckets_dir ? ATTEMPT_CONTAINER_BUCKETS : NULL,
                        &command.module_argv, err) != 0) {
        free(command.task);
        return -1;
    }
    return process_thread_push(self->parts.thread, &command, err);
}

/* ---- from the executor's thread to the lanes ---- */

static int launch(void *context, const struct execution_key *key, struct task *task, const char **module_argv,
                  struct err *err)
{
    return docker_lanes_launch(((struct executor_docker *)context)->lanes, key, task, module_argv, err);
}

static void cancel(void *context, const struct execution_key *key)
{
    docker_lanes_cancel(((struct executor_docker *)context)->lanes, key);
}

static int clear(void *context, const struct execution_key *key, struct err *err)
{
    return docker_lanes_clear(((struct executor_docker *)context)->lanes, key, err);
}

static void forget(void *context, const struct execution_key *key)
{
    docker_lanes_forget(((struct executor_docker *)context)->lanes, key);
}

/* ---- and back ---- */

/* An answer that is lost would leave its attempt as it is for ever; it only has no place for want of memory. */
static void answer(struct executor_docker *self, const struct process_command *command, const char *line)
{
    for (;;) {
        struct process_command again = *command;
        struct err ignored = ERR_INIT;

        again.line = line ? strdup(line) : NULL;
        if ((again.line || !line) && process_thread_push(self->parts.thread, &again, &ignored) == 0) {
            return;
        }
        if (atomic_load(&self->ends)) {
            return;
        }
        (void)poll(NULL, 0, PUSH_AGAIN_MS);
    }
}

static void launched(void *context, const struct execution_key *key, const struct err *err)
{
    struct process_command command = {
        .kind = PROCESS_COMMAND_LAUNCHED, .key = *key, .asked_for_it = err && docker_launch_is_job_fault(err)};

    answer(context, &command, err ? err->text : NULL);
}

static void cleared(void *context, const struct execution_key *key)
{
    answer(context, &(struct process_command){.kind = PROCESS_COMMAND_CLEARED, .key = *key}, NULL);
}

static void note(void *context, uint64_t job_id, const char *line)
{
    struct executor_docker *self = context;

    self->ops.service_log(&self->parts.executor, job_id, line);
}

/* ---- life ---- */

static void destroy(struct executor *executor)
{
    struct executor_docker *self = self_of(executor);

    atomic_store(&self->ends, true);
    if (self->lanes) {
        docker_lanes_stop(self->lanes);
    }
    if (self->parts.thread) {
        process_thread_destroy(self->parts.thread);
    }
    docker_lanes_destroy(self->lanes);
    process_config_deinit(&self->parts.config);
    free(self);
}

static struct executor_ops make_ops(void)
{
    struct executor_ops ops = process_parts_ops();

    ops.name = "docker";
    ops.assign_address = assign_address;
    ops.claim_address = claim_address;
    ops.release_addresses = release_addresses;
    ops.start = start;
    ops.destroy = destroy;
    return ops;
}

static int init_config(struct process_config *config, const struct executor_docker_options *options, struct err *err)
{
    const struct executor_process_options shared = {.attempts_dir = options->attempts_dir,
                                                    .supervisor_path = options->supervisor_path,
                                                    .buckets_dir = options->buckets_dir,
                                                    .pass_env = options->pass_env,
                                                    .log_stream_bytes_max = options->log_stream_bytes_max,
                                                    .log_stream_bytes_per_s_max = options->log_stream_bytes_per_s_max,
                                                    .log_waits = options->log_waits,
                                                    .clock = options->clock,
                                                    .keys = options->keys,
                                                    .log = options->log,
                                                    .log_context = options->log_context};

    if (process_config_init(config, &shared, err) != 0) {
        return -1;
    }
    config->docker_auths = options->auths ? strdup(options->auths) : NULL;
    return !options->auths || config->docker_auths ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for an executor");
}

int executor_docker_create(const struct executor_docker_options *options, struct execution_sink sink,
                           struct executor **ret_executor, struct err *err)
{
    const char *socket_path = options->socket_path ? options->socket_path : EXECUTOR_DOCKER_SOCKET;
    struct executor_docker *self = calloc(1, sizeof *self);
    struct docker_answers answers = {.context = self, .launched = launched, .cleared = cleared, .note = note};

    if (!self) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    self->ops = make_ops();
    self->parts.executor.ops = &self->ops;
    self->backend = (struct process_backend){self, launch, cancel, clear, forget};
    if (init_config(&self->parts.config, options, err) != 0) {
        free(self);
        return -1;
    }
    if (docker_lanes_create(&self->parts.config, socket_path, &self->lanes, err) != 0 ||
        process_thread_create(&self->parts.config, &self->backend, sink, &self->parts.thread, err) != 0 ||
        docker_lanes_start(self->lanes, answers, err) != 0) {
        destroy(&self->parts.executor);
        return -1;
    }
    *ret_executor = &self->parts.executor;
    return 0;
}

int executor_docker_check(const char *socket_path, struct err *err)
{
    struct docker_api *api;
    int result;

    if (docker_api_create(socket_path ? socket_path : EXECUTOR_DOCKER_SOCKET, NULL, NULL, &api, err) != 0) {
        return -1;
    }
    result = docker_api_ping(api, NULL, err);
    docker_api_destroy(api);
    return result;
}
