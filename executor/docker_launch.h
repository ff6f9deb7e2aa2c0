/* docker_launch: one attempt's container, from the image to the supervisor's first word, and away again.
 *
 * Used by   docker_lane.c.
 * Shape     image (pulled when it is missing), files of the attempt, network, create, start, then the event file is watched
 *           until the launch stands in it. Each step may be repeated: a container of that name was never launched, or its
 *           launch is found in the file. An engine that does not answer is tried again for a while.
 * Thread    one for each job at a time.      Blocks    for as long as engine and registry take; see cancelled.
 * Errors    as docker_api.h; ERR_PRECONDITION when cancelled. What the engine refuses is the job's fault, the rest the
 *           host's (docker_launch_is_job_fault).
 * Promise   at most one launch per key, by the lock of the attempt (attempt_dir.h).
 * Source    docs/execution.md
 */
#ifndef EXECUTOR_DOCKER_LAUNCH_H_
#define EXECUTOR_DOCKER_LAUNCH_H_

#include "executor/docker_api.h"
#include "executor/process_config.h"

C_DECLS_BEGIN

struct docker_launch {
    struct execution_key key;
    const struct process_config *config;
    const struct task *task;
    const char *const *module_argv; /* NULL: argv of the task and of the image */
    /* Looked at between steps and within calls. Once is_started, only a server that ends should say yes: a replica that
     * runs is stopped through its supervisor. */
    bool (*cancelled)(void *context);
    /* A line for the job's service log. */
    void (*note)(void *context, const char *line);
    void *context;
    bool is_started;
};

/* 0: from now on the attempt's files tell what becomes of it. */
MUST_USE int docker_launch_run(struct docker_launch *launch, struct docker_api *api, struct err *err);
bool docker_launch_is_job_fault(const struct err *err);

/* Removes the container, whatever it does, and the job's network with its last container. */
MUST_USE int docker_launch_clear(const struct process_config *config, struct docker_api *api,
                                 const struct execution_key *key, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_LAUNCH_H_ */
