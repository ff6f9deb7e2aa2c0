#include <inttypes.h>
#include <stdio.h>

#include "job/controller_state.h"
#include "job/job_decode.h"
#include "job/job_image.h"

struct loading {
    struct controller *controller;
    struct err *err;
    bool failed;
};

/* ---- from the store into memory ---- */

static int read_spec(struct controller *controller, struct job *job, struct span image, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    const API(CustomJob) *msg = NULL;
    int result = job_decode(image, arena, &msg, err);

    if (result == 0) {
        result = admit_read(controller, job, msg, NULL, NULL, err);
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
    return result;
}

static int read_image(struct controller *controller, struct job *job, struct span image, struct err *err)
{
    struct job_outputs outputs;
    struct span spec;

    if (job_image_split(image, &outputs, &spec, err)) {
        return -1;
    }
    job->state = (enum job_state)outputs.state;
    job->create_time_unix_ns = outputs.create_time_unix_ns;
    job->start_time_unix_ns = outputs.start_time_unix_ns;
    job->update_time_unix_ns = outputs.update_time_unix_ns;
    return read_spec(controller, job, image, err);
}

static int load_operation(struct controller *controller, uint64_t id, struct operation **ret_operation, struct err *err)
{
    struct store_version *version;

    if (id == 0) {
        return 0;
    }
    version = store_get(controller->options.store, STORE_TABLE_OPERATION, id);
    if (!version) {
        return err_set(err, ERR_CORRUPT, "operation %" PRIu64 " is missing", id);
    }
    *ret_operation = operation_decode(store_version_value(version), err);
    store_version_unref(version);
    return *ret_operation ? 0 : -1;
}

/* Takes over what the record holds. */
static int load_living(struct controller *controller, const struct store_version *version, struct execution *record,
                       bool is_stored, struct err *err)
{
    struct store_keys keys;
    struct job *job;

    store_version_keys(version, &keys);
    job = job_table_add(controller->jobs, store_version_id(version), keys.name);
    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a job");
    }
    job->execution = *record;
    *record = (struct execution){0};
    job->record_stored = is_stored;
    if (!job->execution.kms_key_name && keys.seal_key.size > 0) {
        job->execution.kms_key_name = span_copy_text(keys.seal_key);
    }
    if (read_image(controller, job, store_version_value(version), err) ||
        load_operation(controller, job->execution.cancel_operation_id, &job->cancel_operation, err)) {
        err_wrap(err, "%s", job->name);
        return -1;
    }
    job->operation_open = job->cancel_operation;
    if (job->state == JOB_STATE_QUEUED) {
        admit_enqueue(controller, job);
    } else {
        admit_hold(controller, job);
        capacity_claim(controller->capacity, &job->execution);
    }
    job_set_timer(controller, job);
    return 0;
}

static int load_deleted(struct controller *controller, struct execution *record, struct err *err)
{
    struct job *job = job_table_add(controller->jobs, record->job_id, span_of("deleted"));

    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a job");
    }
    job->execution = *record;
    *record = (struct execution){0};
    job->record_stored = true;
    controller->expired_removals += job->execution.delete_operation_id == 0 ? 1 : 0;
    return load_operation(controller, job->execution.delete_operation_id, &job->delete_operation, err);
}

static int load_record(struct controller *controller, uint64_t id, struct span value, struct err *err)
{
    struct execution record;
    struct store_version *version;
    int result;

    if (execution_decode(value, &record, err)) {
        err_wrap(err, "job %" PRIu64, id);
        return -1;
    }
    record.job_id = id;
    if (record.deleting) {
        result = load_deleted(controller, &record, err);
    } else {
        version = store_get(controller->options.store, STORE_TABLE_JOB, id);
        if (version && store_version_is_locked(version)) {
            result = 0;
            store_version_unref(version);
        } else if (version) {
            result = load_living(controller, version, &record, true, err);
            store_version_unref(version);
        } else {
            result = err_set(err, ERR_CORRUPT, "there is a record of job %" PRIu64 ", but no job", id);
        }
    }
    execution_deinit(&record);
    return result;
}

static bool visit_record(void *context, const struct store_version *version)
{
    struct loading *loading = context;

    /* Its job waits for its key; what runs of it has its supervisors. */
    if (store_version_is_locked(version)) {
        return true;
    }
    loading->failed =
        load_record(loading->controller, store_version_id(version), store_version_value(version), loading->err);
    return !loading->failed;
}

static int load_request_id(struct controller *controller, const struct store_version *version, struct err *err)
{
    struct request_id entry;

    if (request_id_decode(store_version_id(version), store_version_value(version), &entry, err)) {
        return -1;
    }
    return request_ids_add(controller->request_ids, &entry, err);
}

static bool visit_request_id(void *context, const struct store_version *version)
{
    struct loading *loading = context;

    if (store_version_is_locked(version)) {
        return true;
    }
    loading->failed = load_request_id(loading->controller, version, loading->err);
    return !loading->failed;
}

static bool has_locked_record(const struct controller *controller, uint64_t id)
{
    struct store_version *version = store_get(controller->options.store, STORE_TABLE_EXECUTION, id);
    bool is_locked = version && store_version_is_locked(version);

    store_version_unref(version);
    return is_locked;
}

/* A job that has not ended and has no record: this server never writes one without the other. It waits again if it
 * waited; if it ran, nobody can tell what became of it. */
static bool visit_job(void *context, const struct store_version *version)
{
    struct loading *loading = context;
    struct controller *controller = loading->controller;
    uint64_t id = store_version_id(version);
    struct execution record = {.job_id = id, .job_attempt = 1, .version = API_V1};

    if (job_state_is_terminal((enum job_state)store_version_state(version))) {
        loading->failed = expired_load(controller, STORE_TABLE_JOB, version, loading->err);
    } else if (!store_version_is_locked(version) && !has_locked_record(controller, id) &&
               !job_table_find(controller->jobs, id)) {
        loading->failed = load_living(controller, version, &record, false, loading->err);
    }
    return !loading->failed;
}

static bool visit_operation(void *context, const struct store_version *version)
{
    struct loading *loading = context;

    loading->failed = expired_load(loading->controller, STORE_TABLE_OPERATION, version, loading->err);
    return !loading->failed;
}

int reconcile_load(struct controller *controller, struct err *err)
{
    struct store *store = controller->options.store;
    struct loading loading = {.controller = controller, .err = err};

    store_walk(store, STORE_TABLE_EXECUTION, visit_record, &loading);
    if (!loading.failed) {
        store_walk(store, STORE_TABLE_JOB, visit_job, &loading);
    }
    if (!loading.failed) {
        store_walk(store, STORE_TABLE_REQUEST_ID, visit_request_id, &loading);
    }
    if (!loading.failed && retention_is_on(controller->retention)) {
        store_walk(store, STORE_TABLE_OPERATION, visit_operation, &loading);
    }
    if (loading.failed) {
        err_wrap(err, "cannot read the jobs of the store");
        return -1;
    }
    return 0;
}

/* ---- from memory to the executor ---- */

struct attaching {
    struct controller *controller;
    uint64_t *ids; /* of the jobs to attach */
    size_t id_count;
    uint32_t executions;
    uint32_t removals;
};

/* Before anything is adopted, started or assigned. */
static int claim(void *context, struct job *job, struct err *err)
{
    struct executor *executor = ((struct attaching *)context)->controller->executor;

    (void)err;
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        const struct replica *replica = &job->execution.replicas[i];
        struct execution_key key = execution_replica_key(&job->execution, replica);

        executor->ops->claim_address(executor, &key, replica->host, replica->port);
    }
    return 0;
}

static void attach_replica(struct attaching *attaching, struct job *job, struct replica *replica)
{
    struct controller *controller = attaching->controller;
    struct execution_key key = execution_replica_key(&job->execution, replica);

    if (replica_has_ended(replica)) {
        return;
    }
    if (replica->phase == REPLICA_PLANNED) {
        /* Nobody was asked for it: the end of this turn starts it. */
        job_touch(controller, job);
        if (controller->is_restored) {
            job_end_elsewhere(controller, job, replica);
        }
        return;
    }
    attaching->executions++;
    controller->adoptions_open++;
    replica->adopting = true;
    turn_act(controller, (struct act){.kind = ACT_ADOPT, .key = key});
    if (replica->phase == REPLICA_STOPPING) {
        turn_act(controller, (struct act){.kind = ACT_STOP, .key = key});
    }
}

static void attach_living(struct attaching *attaching, struct job *job)
{
    struct controller *controller = attaching->controller;

    if (job->execution.replica_count == 0) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_no_record());
    }
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        attach_replica(attaching, job, &job->execution.replicas[i]);
    }
    job_proceed(controller, job);
}

static void attach(struct attaching *attaching, struct job *job)
{
    turn_seal(attaching->controller, job, false);
    if (job->execution.deleting) {
        attaching->removals++;
        turn_act(attaching->controller, (struct act){.kind = ACT_REMOVE, .key = {.job_id = job->id}});
    } else if (job->state != JOB_STATE_QUEUED) {
        attach_living(attaching, job);
    }
}

static int note_id(void *context, struct job *job, struct err *err)
{
    struct attaching *attaching = context;

    (void)err;
    attaching->ids[attaching->id_count++] = job->id;
    return 0;
}

/* In as many turns as it takes: what a restored store ends here may be more than one commit holds. A turn's end takes
 * jobs out of the table, which may therefore not be walked meanwhile. */
static int attach_all(struct attaching *attaching, struct err *err)
{
    struct controller *controller = attaching->controller;
    size_t count = job_table_count(controller->jobs);
    int result = 0;

    attaching->ids = calloc(count + 1, sizeof attaching->ids[0]);
    if (!attaching->ids) {
        return err_set(err, ERR_EXHAUSTED, "no memory to take over %zu jobs", count);
    }
    result = job_table_visit(controller->jobs, note_id, attaching, err);
    for (size_t i = 0; result == 0 && i < attaching->id_count; i++) {
        struct job *job = job_table_find(controller->jobs, attaching->ids[i]);

        if (job) {
            attach(attaching, job);
        }
        if (turn_is_full(controller)) {
            result = turn_finish(controller, err);
            turn_begin(controller);
        }
    }
    free(attaching->ids);
    return result;
}

int reconcile_attach(struct controller *controller, struct err *err)
{
    struct attaching attaching = {.controller = controller};
    char line[160];

    if (job_table_visit(controller->jobs, claim, &attaching, err) || attach_all(&attaching, err)) {
        return -1;
    }
    turn_act(controller, (struct act){.kind = ACT_SEAL_END});
    controller->adoptions_asked = controller->adoptions_open;
    controller->attach_mono_ns = controller->turn.now_mono_ns;
    if (controller->options.log && job_table_count(controller->jobs) > 0) {
        snprintf(line, sizeof line, "took over %zu jobs: %u executions to adopt, %u removals to finish",
                 job_table_count(controller->jobs), attaching.executions, attaching.removals);
        controller->options.log(controller->options.context, line);
    }
    return 0;
}

void reconcile_note_turn(struct controller *controller)
{
    char line[128];

    if (controller->adoptions_asked == 0 || controller->adoptions_open > 0) {
        return;
    }
    snprintf(line, sizeof line, "all %u executions are known after %.1f ms", controller->adoptions_asked,
             (double)(controller->turn.now_mono_ns - controller->attach_mono_ns) / (double)CLOCK_NS_PER_MS);
    controller->adoptions_asked = 0;
    if (controller->options.log) {
        controller->options.log(controller->options.context, line);
    }
}
