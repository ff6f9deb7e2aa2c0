#include <inttypes.h>

#include "base/limits.h"
#include "job/job_spec_check.h"

#define NANOS_MAX 999999999

/* NULL, or what makes it no Duration, or none that time can be measured with.
 * *= proto: duration.proto: seconds and nanos have the same sign, nanos are below a second. */
static const char *fault_of_duration(int64_t seconds, int32_t nanos)
{
    if (seconds > LIMIT_DURATION_S || seconds < -LIMIT_DURATION_S) {
        return "seconds are at most 315576000000";
    }
    if (nanos > NANOS_MAX || nanos < -NANOS_MAX) {
        return "nanos are at most 999999999";
    }
    if ((seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
        return "seconds and nanos have the same sign";
    }
    return seconds < 0 || nanos < 0 ? "it must not be negative" : NULL;
}

/* True for one that is there and right. */
static bool check_duration(struct job_spec_check *check, const char *field, const google_protobuf_Duration *duration,
                           const char *fault_of_zero)
{
    int64_t seconds;
    int32_t nanos;
    const char *fault;

    if (!duration) {
        return false;
    }
    seconds = google_protobuf_Duration_seconds(duration);
    nanos = google_protobuf_Duration_nanos(duration);
    fault = seconds == 0 && nanos == 0 ? fault_of_zero : fault_of_duration(seconds, nanos);
    if (fault) {
        violations_add(check->violations, field, "A duration of seconds %" PRId64 " and nanos %d is not allowed: %s.",
                       seconds, nanos, fault);
    }
    return !fault;
}

static bool is_known_strategy(int32_t strategy)
{
    switch (strategy) {
    case API(Scheduling_STRATEGY_UNSPECIFIED):
    case API(Scheduling_ON_DEMAND):
    case API(Scheduling_LOW_COST):
    case API(Scheduling_STANDARD):
    case API(Scheduling_SPOT):
    case API(Scheduling_FLEX_START):
        return true;
    default:
        return false;
    }
}

static bool same_machine(const API(MachineSpec) * left, const API(MachineSpec) * right)
{
    if (!left || !right) {
        return left == right;
    }
    return span_equal(api_span(API(MachineSpec_machine_type)(left)), api_span(API(MachineSpec_machine_type)(right))) &&
           API(MachineSpec_accelerator_type)(left) == API(MachineSpec_accelerator_type)(right) &&
           API(MachineSpec_accelerator_count)(left) == API(MachineSpec_accelerator_count)(right);
}

/* FLEX_START gets all machines of a job at once, from one reservation. */
static void check_flex_start(struct job_spec_check *check, const API(CustomJobSpec) * spec, bool has_timeout)
{
    const API(Scheduling) *scheduling = API(CustomJobSpec_scheduling)(spec);
    size_t count;
    const API(WorkerPoolSpec) *const *pools = API(CustomJobSpec_worker_pool_specs)(spec, &count);

    if (has_timeout) {
        const google_protobuf_Duration *timeout = API(Scheduling_timeout)(scheduling);
        int64_t seconds = google_protobuf_Duration_seconds(timeout);

        if (seconds > LIMIT_TIMEOUT_DEFAULT_S ||
            (seconds == LIMIT_TIMEOUT_DEFAULT_S && google_protobuf_Duration_nanos(timeout) > 0)) {
            violations_add(check->violations, "job_spec.scheduling.timeout",
                           "The timeout is %" PRId64 " seconds; with FLEX_START it is at most %d (7 days).", seconds,
                           LIMIT_TIMEOUT_DEFAULT_S);
        }
    }
    for (size_t i = 1; i < count; i++) {
        if (API(WorkerPoolSpec_task_case)(pools[i]) != API(WorkerPoolSpec_task_NOT_SET) &&
            !same_machine(API(WorkerPoolSpec_machine_spec)(pools[0]), API(WorkerPoolSpec_machine_spec)(pools[i]))) {
            violations_add(check->violations,
                           violations_field(check->violations, "job_spec.worker_pool_specs[%zu].machine_spec", i),
                           "With FLEX_START all worker pools have the same machine type and accelerators.");
        }
    }
}

void job_spec_check_scheduling(struct job_spec_check *check, const API(CustomJobSpec) * spec)
{
    const API(Scheduling) *scheduling = API(CustomJobSpec_scheduling)(spec);
    int32_t strategy;
    bool has_timeout;

    if (!scheduling) {
        return;
    }
    has_timeout = check_duration(check, "job_spec.scheduling.timeout", API(Scheduling_timeout)(scheduling),
                                 "it must be more than 0, or left out for 7 days");
    /* A wait of 0 is one without end. */
    (void)check_duration(check, "job_spec.scheduling.max_wait_duration", API(Scheduling_max_wait_duration)(scheduling),
                         NULL);
    strategy = API(Scheduling_strategy)(scheduling);
    if (!is_known_strategy(strategy)) {
        violations_add(check->violations, "job_spec.scheduling.strategy",
                       "There is no strategy %d; it must be STANDARD (3), SPOT (4), FLEX_START (6) or left out.",
                       strategy);
    } else if (strategy == API(Scheduling_FLEX_START)) {
        check_flex_start(check, spec, has_timeout);
    }
}
