/* job_plan: from a stored CustomJob to the tasks of its replicas: argv, environment, cluster description.
 *
 * Used by   job/controller.c when a job is admitted; job_spec_trial.c before it is taken.
 * Shape     CLUSTER_SPEC, TF_CONFIG, AIP_*, CLOUD_ML_*, MASTER_ADDR, MASTER_PORT, RANK, WORLD_SIZE and $(VAR) expansion as
 *           the service's documentation and docs/ARCHITECTURE.md tell.
 * Owns      a plan owns all its texts; tasks point into it.
 * Thread    the controller's.      Blocks    never.
 * Errors    ERR_INVALID when the stored bytes ask for what cannot be planned; ERR_CORRUPT when they do not decode.
 */
#ifndef JOB_JOB_PLAN_H_
#define JOB_JOB_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "executor/executor.h"
#include "job/retry_policy.h"

C_DECLS_BEGIN

struct job_plan_address {
    char host[64];
    uint16_t port;
};

/* The shape of a job without its texts: replicas per pool, and the limits of its scheduling. */
struct job_shape {
    uint32_t pool_count;
    uint32_t pool_replicas[8];
    uint32_t replica_count;
    int64_t timeout_ns;  /* default 7 days */
    int64_t wait_max_ns; /* max_wait_duration; 0: none */
    struct retry_rules retry_rules;
};

MUST_USE int job_shape_read(struct span custom_job_wire, struct job_shape *ret_shape, struct err *err);

struct job_plan;

struct mount_map;

struct job_plan_input {
    struct span custom_job_wire; /* stored image */
    uint32_t job_attempt;
    const struct job_plan_address *addresses; /* one per replica, pools in order */
    const uint32_t *restarts;                 /* one per replica, or NULL for all 0 */
    const int64_t *start_times_unix_ns;       /* likewise: 0 for one that was never seen to run */
    const struct task_limits *limits;         /* one per replica, its devices what CUDA may see; NULL: none */
    uint64_t project_number;                  /* CLOUD_ML_PROJECT_ID; 0: made of the project id */
    const char *buckets_dir;                  /* NULL: gs:// stays as it is */
    const struct mount_map *mounts;           /* where nfs_mounts and lustre_mounts are; NULL: nowhere */
};

MUST_USE int job_plan_create(const struct job_plan_input *input, struct job_plan **ret_plan, struct err *err);
/* Whether the job can be planned and what comes of it started: tries the last replica of each pool, whose texts are the
 * longest. ERR_INVALID begins with "job_spec.worker_pool_specs[I]: ". */
MUST_USE int job_plan_check(const struct job_plan_input *input, struct err *err);
void job_plan_destroy(struct job_plan *plan);
size_t job_plan_task_count(const struct job_plan *plan);
const struct task *job_plan_task(const struct job_plan *plan, size_t index);

C_DECLS_END

#endif /* JOB_JOB_PLAN_H_ */
