/* schedule_policy: which of the jobs that wait is started next; one interface, several answers.
 *
 * Used by   schedule.c; tests/bench/schedule_sim.c, which measures them.
 * Shape     asked again and again until it names none: each answer is a job that fits what is free. A policy has no
 *           memory of its own: the same view gives the same answer, before a crash and after it.
 * fifo      the oldest, or none.
 * greedy    the oldest that fits.
 * easy      the oldest; while it does not fit, another one that fits and, by the forecasts, does not keep it waiting.
 * gangs     easy with an order of its own: first who has waited longer than the patience, the oldest first; then the
 *           larger part of the host before the smaller, of like parts the owner's who has used less, then the older. The
 *           first of that order has the reservation. Large gangs leave the fewest gaps when they go first, and find their
 *           room by reservation instead of by luck. When the first has waited SCHEDULE_DRAIN_PATIENCES times the
 *           patience and nobody knows when it will fit, none passes it: what runs ends, and it starts.
 * Bound     the caller gives as many jobs and runs as it wants looked at.
 * Thread    pure.      Units    ns of any one clock.
 * Source    easy: D. Lifka, "The ANL/IBM SP Scheduling System", 1995.
 */
#ifndef JOB_SCHEDULE_POLICY_H_
#define JOB_SCHEDULE_POLICY_H_

#include <stddef.h>
#include <stdint.h>

#include "job/resources.h"

C_DECLS_BEGIN

#define SCHEDULE_NONE SIZE_MAX
#define SCHEDULE_DRAIN_PATIENCES 4

struct schedule_job {
    const struct job_ask *ask;
    int64_t queue_time_ns;
    int64_t forecast_ns; /* how long it will run; INT64_MAX: nobody knows */
    double owner_usage;  /* what its owner has used lately, in any unit */
};

struct schedule_run {
    struct resources held;
    int64_t end_ns; /* by its forecast; INT64_MAX: nobody knows */
};

struct schedule_view {
    int64_t now_ns;
    int64_t patience_ns;
    struct resources total;
    struct resources free;
    const struct schedule_run *runs; /* sorted by end_ns */
    size_t run_count;
    const struct schedule_job *jobs; /* in the order of the queue */
    size_t job_count;
};

/* The largest part of anything on the host that the job would take, in thousandths. */
uint32_t schedule_part(const struct resources *total, const struct job_ask *ask);

struct schedule_policy {
    const char *name;
    /* The index of the job to start now, or SCHEDULE_NONE. */
    size_t (*next)(const struct schedule_view *view);
};

extern const struct schedule_policy schedule_fifo;
extern const struct schedule_policy schedule_greedy;
extern const struct schedule_policy schedule_easy;
extern const struct schedule_policy schedule_gangs;

/* NULL: there is none of that name. */
const struct schedule_policy *schedule_policy_find(const char *name);

C_DECLS_END

#endif /* JOB_SCHEDULE_POLICY_H_ */
