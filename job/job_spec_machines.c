#include "job/capacity_rules.h"
#include "job/job_decode.h"
#include "job/job_spec_check.h"

static void refuse(void *context, size_t pool_index, const char *field, const char *sentence)
{
    struct violations *violations = ((struct job_spec_check *)context)->violations;

    if (field[0]) {
        violations_add(
            violations,
            violations_field(violations, "job_spec.worker_pool_specs[%zu].machine_spec.%s", pool_index, field), "%s",
            sentence);
    } else {
        violations_add(violations, "job_spec.worker_pool_specs", "%s", sentence);
    }
}

void job_spec_check_machines(struct job_spec_check *check, const API(CustomJob) * job)
{
    const struct capacity_rules *rules = check->rules->capacity;
    struct pool_ask pools[RESOURCE_POOLS_MAX];
    struct job_ask ask = {0, pools};
    struct err ignored = ERR_INIT;
    struct job_shape shape;

    /* Without violations there is a shape. */
    if (rules && capacity_rules_mode(rules) == CAPACITY_STRICT && job_shape_of(job, &shape, &ignored) == 0) {
        capacity_rules_ask(rules, job, &shape, &ask, refuse, check);
    }
}
