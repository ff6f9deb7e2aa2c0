/* plan_mounts: nfs_mounts and lustre_mounts of a pool as directories of this host.
 *
 * Used by   job_plan.c.
 * Owns      lies in the arena, but for the sources, which are the map's.
 * Thread    any; pure.
 * Errors    ERR_INVALID: nothing stands for one any more; ERR_EXHAUSTED: memory.
 */
#ifndef JOB_PLAN_MOUNTS_H_
#define JOB_PLAN_MOUNTS_H_

#include "executor/executor.h"
#include "job/api.h"
#include "job/mount_map.h"

C_DECLS_BEGIN

struct upb_Arena;

MUST_USE int plan_mounts(const struct mount_map *map, const API(WorkerPoolSpec) * pool, struct upb_Arena *arena,
                         const struct task_mount **ret_mounts, size_t *ret_count, struct err *err);

C_DECLS_END

#endif /* JOB_PLAN_MOUNTS_H_ */
