#include "job/schedule_policy.h"

#include <stdbool.h>
#include <string.h>

static bool fits(const struct resources *free, const struct schedule_job *job)
{
    struct resources need;

    return resources_place(free, job->ask, &need);
}

static size_t next_fifo(const struct schedule_view *view)
{
    return view->job_count > 0 && fits(&view->free, &view->jobs[0]) ? 0 : SCHEDULE_NONE;
}

static size_t next_greedy(const struct schedule_view *view)
{
    for (size_t i = 0; i < view->job_count; i++) {
        if (fits(&view->free, &view->jobs[i])) {
            return i;
        }
    }
    return SCHEDULE_NONE;
}

/* When the first job will fit, by the forecasts of what runs, and what is free for others then. */
struct reservation {
    int64_t start_ns; /* INT64_MAX: nobody knows */
    struct resources spare;
};

/* A run that is over its forecast may end at any moment: it counts as ending now. */
static struct reservation reserve(const struct schedule_view *view, const struct schedule_job *first)
{
    struct reservation reservation = {.start_ns = INT64_MAX, .spare = view->free};
    struct resources need;

    for (size_t i = 0; i < view->run_count && view->runs[i].end_ns != INT64_MAX; i++) {
        resources_add(&reservation.spare, &view->runs[i].held);
        if (resources_place(&reservation.spare, first->ask, &need)) {
            resources_subtract(&reservation.spare, &need);
            reservation.start_ns = view->runs[i].end_ns > view->now_ns ? view->runs[i].end_ns : view->now_ns;
            break;
        }
    }
    return reservation;
}

/* It is through before the reservation begins, or takes what that leaves over. */
static bool may_pass(const struct schedule_view *view, const struct reservation *reservation,
                     const struct schedule_job *job)
{
    if (reservation->start_ns == INT64_MAX) {
        return true;
    }
    return (job->forecast_ns != INT64_MAX && job->forecast_ns <= reservation->start_ns - view->now_ns) ||
           fits(&reservation->spare, job);
}

/* With this one first: it, or one that may pass it, in the order of the queue. drains: while nobody knows when the first
 * will fit, none may. */
static size_t next_with(const struct schedule_view *view, size_t first, bool drains)
{
    struct reservation reservation;

    if (fits(&view->free, &view->jobs[first])) {
        return first;
    }
    reservation = reserve(view, &view->jobs[first]);
    if (drains && reservation.start_ns == INT64_MAX) {
        return SCHEDULE_NONE;
    }
    for (size_t i = 0; i < view->job_count; i++) {
        if (i != first && fits(&view->free, &view->jobs[i]) && may_pass(view, &reservation, &view->jobs[i])) {
            return i;
        }
    }
    return SCHEDULE_NONE;
}

static size_t next_easy(const struct schedule_view *view)
{
    return view->job_count == 0 ? SCHEDULE_NONE : next_with(view, 0, false);
}

uint32_t schedule_part(const struct resources *total, const struct job_ask *ask)
{
    struct resources need;
    uint64_t part = 0;
    uint64_t other;

    if (!resources_place(total, ask, &need)) {
        return 1000;
    }
    part = total->replicas > 0 ? (uint64_t)need.replicas * 1000 / total->replicas : 0;
    other = total->cpus_milli > 0 ? (uint64_t)((unsigned __int128)need.cpus_milli * 1000 / total->cpus_milli) : 0;
    part = other > part ? other : part;
    other = total->memory_bytes > 0 ? (uint64_t)((unsigned __int128)need.memory_bytes * 1000 / total->memory_bytes) : 0;
    part = other > part ? other : part;
    for (size_t i = 0; i < RESOURCE_CLASSES_MAX; i++) {
        other = total->devices[i] > 0 ? need.devices[i] * UINT64_C(1000) / total->devices[i] : 0;
        part = other > part ? other : part;
    }
    return (uint32_t)part;
}

static bool is_overdue(const struct schedule_view *view, const struct schedule_job *job)
{
    return view->now_ns - job->queue_time_ns > view->patience_ns;
}

/* Jobs come in the order of their queue, so that of equals the one before is the older. */
static bool goes_before(const struct schedule_view *view, const struct schedule_job *left,
                        const struct schedule_job *right)
{
    uint32_t left_part;
    uint32_t right_part;

    if (is_overdue(view, left) || is_overdue(view, right)) {
        return is_overdue(view, left) && !is_overdue(view, right);
    }
    left_part = schedule_part(&view->total, left->ask);
    right_part = schedule_part(&view->total, right->ask);
    if (left_part != right_part) {
        return left_part > right_part;
    }
    return left->owner_usage < right->owner_usage;
}

static size_t next_gangs(const struct schedule_view *view)
{
    size_t first = 0;

    if (view->job_count == 0) {
        return SCHEDULE_NONE;
    }
    for (size_t i = 1; i < view->job_count; i++) {
        first = goes_before(view, &view->jobs[i], &view->jobs[first]) ? i : first;
    }
    return next_with(view, first,
                     view->now_ns - view->jobs[first].queue_time_ns > SCHEDULE_DRAIN_PATIENCES * view->patience_ns);
}

const struct schedule_policy schedule_fifo = {"fifo", next_fifo};
const struct schedule_policy schedule_greedy = {"greedy", next_greedy};
const struct schedule_policy schedule_easy = {"easy", next_easy};
const struct schedule_policy schedule_gangs = {"gangs", next_gangs};

const struct schedule_policy *schedule_policy_find(const char *name)
{
    static const struct schedule_policy *const policies[] = {&schedule_fifo, &schedule_greedy, &schedule_easy,
                                                             &schedule_gangs};

    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (strcmp(policies[i]->name, name) == 0) {
            return policies[i];
        }
    }
    return NULL;
}
