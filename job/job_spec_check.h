/* job_spec_check: the rules of a CustomJob, one file per part of it; what is wrong is added to the violations.
 *
 * Used by   job_spec.c.
 * Shape     every rule that can be told from the message alone. What only a plan shows (sizes after $(VAR) expansion)
 *           is job_spec_trial.c's, after these found nothing.
 * Thread    any; pure.
 * Source    the comments of proto/google/cloud/aiplatform; the service's documentation; docs/ARCHITECTURE.md
 */
#ifndef JOB_JOB_SPEC_CHECK_H_
#define JOB_JOB_SPEC_CHECK_H_

#include <stdint.h>

#include "base/span.h"
#include "job/api.h"
#include "job/job_spec.h"

C_DECLS_BEGIN

/* What the real service says of a field that must be there. */
#define JOB_SPEC_REQUIRED "Required field is not set."

struct job_spec_check {
    const struct job_spec_rules *rules;
    struct violations *violations;
    uint64_t replica_count; /* over the pools seen; cut to UINT32_MAX */
};

/* job_spec_fields.c: everything but the two below. */
void job_spec_check_job(struct job_spec_check *check, const API(CustomJob) * job);
/* job_spec_key.c */
void job_spec_check_key(struct job_spec_check *check, const API(CustomJob) * job);
/* Whether the key of a job without violations can be sealed with now: ERR_UNAVAILABLE. */
MUST_USE int job_spec_need_key(const struct job_spec_rules *rules, const API(CustomJob) * job, struct err *err);
/* job_spec_labels.c */
void job_spec_check_labels(struct job_spec_check *check, const API(CustomJob) * job);
/* job_spec_scheduling.c: with the pools, which FLEX_START looks at. */
void job_spec_check_scheduling(struct job_spec_check *check, const API(CustomJobSpec) * spec);
/* job_spec_pools.c: pools, machines, disks and mounts. */
void job_spec_check_pools(struct job_spec_check *check, const API(CustomJobSpec) * spec);
/* job_spec_machines.c: of a job with pools without violations, what this host can never give. */
void job_spec_check_machines(struct job_spec_check *check, const API(CustomJob) * job);
/* job_spec_program.c: what a pool runs. */
void job_spec_check_container(struct job_spec_check *check, size_t pool_index, const API(ContainerSpec) * spec);
void job_spec_check_python(struct job_spec_check *check, size_t pool_index, const API(PythonPackageSpec) * spec);

/* job_spec_trial.c: plans the job for a try; a violation when it cannot be planned. */
MUST_USE int job_spec_trial(const struct job_spec_prepared *prepared, struct violations *violations, struct err *err);

/* job_spec_fault.c: why these bytes are no CustomJob, as an ERR_INVALID that names field and place. */
void job_spec_fault(struct span custom_job_wire, int decode_status, struct err *err);

C_DECLS_END

#endif /* JOB_JOB_SPEC_CHECK_H_ */
