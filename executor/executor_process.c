#include "executor/executor_process.h"

#include <stdio.h>
#include <stdlib.h>

#include "executor/port_pool.h"
#include "executor/process_parts.h"
#include "executor/python_env.h"
#include "executor/task_copy.h"

#define PORT_FIRST 20000
#define PORT_LAST 29999

struct executor_process {
    struct process_parts parts; /* first */
    struct port_pool *ports;
    struct executor_ops ops;
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

    if (task->args_only) { /* made when another executor ran here */
        return err_set(err, ERR_INVALID, "%s", executor->ops->needs_command);
    }
    if (task_copy_create(task, &command.task, err) != 0) {
        return -1;
    }
    if (task->python_module &&
        python_env_argv(command.task, self->parts.config.buckets_dir, &command.module_argv, err) != 0) {
        free(command.task);
        return -1;
    }
    return process_thread_push(self->parts.thread, &command, err);
}

/* ---- life ---- */

static void destroy(struct executor *executor)
{
    struct executor_process *self = self_of(executor);

    if (self->parts.thread) {
        process_thread_destroy(self->parts.thread);
    }
    port_pool_destroy(self->ports);
    process_config_deinit(&self->parts.config);
    free(self);
}

static struct executor_ops make_ops(void)
{
    struct executor_ops ops = process_parts_ops();

    ops.name = "process";
    ops.needs_command = "a container image is only named here, and its entrypoint is not known: give the command in "
                        "container_spec.command, or run the server with --executor=docker";
    ops.assign_address = assign_address;
    ops.claim_address = claim_address;
    ops.release_addresses = release_addresses;
    ops.start = start;
    ops.destroy = destroy;
    return ops;
}

int executor_process_create(const struct executor_process_options *options, struct execution_sink sink,
                            struct executor **ret_executor, struct err *err)
{
    uint16_t port_first = options->port_first ? options->port_first : PORT_FIRST;
    uint16_t port_last = options->port_first ? options->port_last : PORT_LAST;
    struct executor_process *self = calloc(1, sizeof *self);

    if (!self) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    self->ops = make_ops();
    self->parts.executor.ops = &self->ops;
    if (process_config_init(&self->parts.config, options, err) != 0) {
        free(self);
        return -1;
    }
    if (port_pool_create(port_first, port_last, &self->ports, err) != 0 ||
        process_thread_create(&self->parts.config, NULL, sink, &self->parts.thread, err) != 0) {
        destroy(&self->parts.executor);
        return -1;
    }
    *ret_executor = &self->parts.executor;
    return 0;
}
