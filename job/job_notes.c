#include "job/job_notes.h"

#include <stdbool.h>
#include <stdio.h>

struct visit {
    job_note_fn note;
    void *context;
};

static void tell(const struct visit *visit, bool is_set, const char *field)
{
    char line[160];

    if (is_set) {
        snprintf(line, sizeof line, "%s is kept and given back, but has no effect on this server.", field);
        visit->note(visit->context, line);
    }
}

static void tell_pool(const struct visit *visit, const API(WorkerPoolSpec) * pool, size_t index)
{
    const API(MachineSpec) *machine = API(WorkerPoolSpec_machine_spec)(pool);
    char field[96];

    snprintf(field, sizeof field, "job_spec.worker_pool_specs[%zu].disk_spec", index);
    tell(visit, API(WorkerPoolSpec_has_disk_spec)(pool), field);
    snprintf(field, sizeof field, "job_spec.worker_pool_specs[%zu].machine_spec.reservation_affinity", index);
    tell(visit, machine && API(MachineSpec_has_reservation_affinity)(machine), field);
}

static void tell_scheduling(const struct visit *visit, const API(Scheduling) * scheduling)
{
    int32_t strategy = API(Scheduling_strategy)(scheduling);

    /* FLEX_START is what happens here anyway: a job waits until all it needs is free. */
    tell(visit,
         strategy != API(Scheduling_STRATEGY_UNSPECIFIED) && strategy != API(Scheduling_STANDARD) &&
             strategy != API(Scheduling_FLEX_START),
         "job_spec.scheduling.strategy");
}

void job_notes_visit(const API(CustomJob) * job, job_note_fn note, void *context)
{
    const struct visit visit = {note, context};
    const API(CustomJobSpec) *spec = API(CustomJob_job_spec)(job);
    const API(WorkerPoolSpec) *const *pools;
    size_t count;

    if (!spec) {
        return;
    }
    tell(&visit, API(CustomJobSpec_service_account)(spec).size > 0, "job_spec.service_account");
    tell(&visit, API(CustomJobSpec_network)(spec).size > 0, "job_spec.network");
    API(CustomJobSpec_reserved_ip_ranges)(spec, &count);
    tell(&visit, count > 0, "job_spec.reserved_ip_ranges");
    tell(&visit, API(CustomJobSpec_has_psc_interface_config)(spec), "job_spec.psc_interface_config");
    tell(&visit, API(CustomJobSpec_persistent_resource_id)(spec).size > 0, "job_spec.persistent_resource_id");
    tell(&visit, API(CustomJobSpec_protected_artifact_location_id)(spec).size > 0,
         "job_spec.protected_artifact_location_id");
    tell(&visit, API(CustomJobSpec_tensorboard)(spec).size > 0, "job_spec.tensorboard");
    tell(&visit, API(CustomJobSpec_enable_dashboard_access)(spec), "job_spec.enable_dashboard_access");
    tell(&visit, API(CustomJobSpec_experiment)(spec).size > 0, "job_spec.experiment");
    tell(&visit, API(CustomJobSpec_experiment_run)(spec).size > 0, "job_spec.experiment_run");
    API(CustomJobSpec_models)(spec, &count);
    tell(&visit, count > 0, "job_spec.models");
    if (API(CustomJobSpec_scheduling)(spec)) {
        tell_scheduling(&visit, API(CustomJobSpec_scheduling)(spec));
    }
    pools = API(CustomJobSpec_worker_pool_specs)(spec, &count);
    for (size_t i = 0; i < count; i++) {
        tell_pool(&visit, pools[i], i);
    }
}
