#include <stdbool.h>

#include "base/clock.h"
#include "base/limits.h"
#include "job/job_decode.h"
#include "job/job_plan.h"

#define SHAPE_POOLS_MAX ((uint32_t)(sizeof((struct job_shape *)0)->pool_replicas / sizeof(uint32_t)))

int job_decode(struct span custom_job_wire, upb_Arena *arena, const API(CustomJob) * *ret_job, struct err *err)
{
    const API(CustomJob) * job;

    if (!arena) {
        return err_set(err, ERR_EXHAUSTED, "no memory to decode a CustomJob");
    }
    job =
        API(CustomJob_parse_ex)(custom_job_wire.data, custom_job_wire.size, NULL, kUpb_DecodeOption_AliasString, arena);
    if (!job) {
        return err_set(err, ERR_CORRUPT, "a stored CustomJob of %zu bytes does not decode", custom_job_wire.size);
    }
    *ret_job = job;
    return 0;
}

/* A pool without a task is one that was left out; one with a task has a replica at least, as Vertex takes it. */
static uint64_t pool_replicas(const API(WorkerPoolSpec) * pool)
{
    int64_t count = API(WorkerPoolSpec_replica_count)(pool);

    if (!API(WorkerPoolSpec_has_container_spec)(pool) && !API(WorkerPoolSpec_has_python_package_spec)(pool)) {
        return 0;
    }
    return count < 1 ? 1 : (uint64_t)count;
}

/* A Duration in ns, cut to what 64 bits hold: 292 years. */
static int64_t duration_ns(const google_protobuf_Duration *duration)
{
    int64_t ns;

    if (!duration) {
        return 0;
    }
    if (__builtin_mul_overflow(google_protobuf_Duration_seconds(duration), CLOCK_NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, google_protobuf_Duration_nanos(duration), &ns)) {
        return INT64_MAX;
    }
    return ns < 0 ? 0 : ns;
}

/* *= proto: custom_job.proto, Scheduling.max_wait_duration: with FLEX_START "The default is 24 hours", and 0 is for ever. */
static void read_scheduling(const API(Scheduling) * scheduling, struct job_shape *shape)
{
    shape->timeout_ns = LIMIT_TIMEOUT_DEFAULT_S * CLOCK_NS_PER_S;
    if (!scheduling) {
        return;
    }
    if (duration_ns(API(Scheduling_timeout)(scheduling)) != 0) {
        shape->timeout_ns = duration_ns(API(Scheduling_timeout)(scheduling));
    }
    if (API(Scheduling_has_max_wait_duration)(scheduling)) {
        shape->wait_max_ns = duration_ns(API(Scheduling_max_wait_duration)(scheduling));
    } else if (API(Scheduling_strategy)(scheduling) == API(Scheduling_FLEX_START)) {
        shape->wait_max_ns = LIMIT_FLEX_START_WAIT_S * CLOCK_NS_PER_S;
    }
    shape->retry_rules.disable_retries = API(Scheduling_disable_retries)(scheduling);
    shape->retry_rules.restart_job_on_worker_restart = API(Scheduling_restart_job_on_worker_restart)(scheduling);
}

int job_shape_of(const API(CustomJob) * job, struct job_shape *ret_shape, struct err *err)
{
    const API(CustomJobSpec) *spec = API(CustomJob_job_spec)(job);
    const API(Scheduling) *scheduling = spec ? API(CustomJobSpec_scheduling)(spec) : NULL;
    struct job_shape shape = {0};
    const API(WorkerPoolSpec) *const *pools = NULL;
    size_t pool_count = 0;
    uint64_t total = 0;

    if (spec) {
        pools = API(CustomJobSpec_worker_pool_specs)(spec, &pool_count);
    }
    if (pool_count > SHAPE_POOLS_MAX) {
        return err_set(err, ERR_INVALID, "job_spec.worker_pool_specs has %zu pools, the limit is %u", pool_count,
                       SHAPE_POOLS_MAX);
    }
    for (size_t i = 0; i < pool_count; i++) {
        uint64_t replicas = pool_replicas(pools[i]);

        if (replicas > UINT32_MAX - total) {
            return err_set(err, ERR_INVALID, "job_spec.worker_pool_specs[%zu].replica_count is too large", i);
        }
        shape.pool_replicas[i] = (uint32_t)replicas;
        total += replicas;
    }
    if (total == 0) {
        return err_set(err, ERR_INVALID, "job_spec.worker_pool_specs has no replica to run");
    }
    shape.pool_count = (uint32_t)pool_count;
    shape.replica_count = (uint32_t)total;
    read_scheduling(scheduling, &shape);
    *ret_shape = shape;
    return 0;
}

int job_shape_read(struct span custom_job_wire, struct job_shape *ret_shape, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    const API(CustomJob) *job = NULL;
    int result = job_decode(custom_job_wire, arena, &job, err);

    if (result == 0) {
        result = job_shape_of(job, ret_shape, err);
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
    return result;
}
