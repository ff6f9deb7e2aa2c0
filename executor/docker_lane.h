/* docker_lane: the threads on which an engine is asked for things, a lane of commands each.
 *
 * Used by   executor_docker.c, process_execution.c (through struct process_backend).
 * Shape     a job's commands all go to one lane, in their order; another job's may wait behind a pull. What the engine
 *           does not take now is asked for again, ever less often; a launch is told as failed. Each lane first removes what
 *           earlier servers left behind of its jobs: containers that have ended, networks without any; and once more some
 *           seconds later what the engine has made since for a server that was dead by then.
 * Owns      its threads and connections; tasks from the call on.
 * Thread    calls: any one; answers come on the lanes' threads.      Blocks    docker_lanes_stop, until calls under way
 *           have been given up.
 * Errors    ERR_EXHAUSTED when memory is gone.
 */
#ifndef EXECUTOR_DOCKER_LANE_H_
#define EXECUTOR_DOCKER_LANE_H_

#include "executor/docker_launch.h"

C_DECLS_BEGIN

struct docker_lanes;

struct docker_answers {
    void *context;
    /* err NULL: the attempt's files tell what comes of it. */
    void (*launched)(void *context, const struct execution_key *key, const struct err *err);
    void (*cleared)(void *context, const struct execution_key *key);
    void (*note)(void *context, uint64_t job_id, const char *line);
};

MUST_USE int docker_lanes_create(const struct process_config *config, const char *socket_path,
                                 struct docker_lanes **ret_lanes, struct err *err);
MUST_USE int docker_lanes_start(struct docker_lanes *lanes, struct docker_answers answers, struct err *err);
/* No answer comes after it returned; what was not done stays undone. */
void docker_lanes_stop(struct docker_lanes *lanes);
/* Stopped, or never started. */
void docker_lanes_destroy(struct docker_lanes *lanes);

/* Takes over task and module_argv, also when it fails. */
MUST_USE int docker_lanes_launch(struct docker_lanes *lanes, const struct execution_key *key, struct task *task,
                                 const char **module_argv, struct err *err);
/* A launch that has not started its container is given up, and told so. */
void docker_lanes_cancel(struct docker_lanes *lanes, const struct execution_key *key);
/* Removes the container and tells when it is gone; after a launch that was told as failed nobody need ask. */
MUST_USE int docker_lanes_clear(struct docker_lanes *lanes, const struct execution_key *key, struct err *err);
/* Likewise, without an answer, of an attempt that has ended. */
void docker_lanes_forget(struct docker_lanes *lanes, const struct execution_key *key);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_LANE_H_ */
