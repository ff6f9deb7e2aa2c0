/* plan_cluster: CLUSTER_SPEC and TF_CONFIG, the two forms in which replicas learn of each other.
 *
 * Used by   job_plan.c.
 * Shape     CLUSTER_SPEC as real jobs see it: "job" is a JSON text within a string, "open_ports" stands beside it.
 *           TF_CONFIG: pool 0 is "chief", 1 "worker", 2 "ps"; pool 3 is "evaluator" as a task and never in the cluster.
 * Owns      texts lie in the arena given.      Thread    the caller's.
 * Errors    ERR_INVALID when the text is longer than an environment variable may be; ERR_EXHAUSTED.
 */
#ifndef JOB_PLAN_CLUSTER_H_
#define JOB_PLAN_CLUSTER_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/job_plan.h"

C_DECLS_BEGIN

struct upb_Arena;
struct plan_cluster;

MUST_USE int plan_cluster_create(const struct job_shape *shape, const struct job_plan_address *addresses,
                                 struct plan_cluster **ret_cluster, struct err *err);
void plan_cluster_destroy(struct plan_cluster *cluster);

/* program: the JSON text that stands as "job". */
MUST_USE int plan_cluster_spec(const struct plan_cluster *cluster, uint32_t pool_index, uint32_t replica_index,
                               const char *program, struct upb_Arena *arena, const char **ret_text, struct err *err);
MUST_USE int plan_tf_config(const struct plan_cluster *cluster, uint32_t pool_index, uint32_t replica_index,
                            const char *job_id, const char *program, struct upb_Arena *arena, const char **ret_text,
                            struct err *err);

C_DECLS_END

#endif /* JOB_PLAN_CLUSTER_H_ */
