#include <inttypes.h>
#include <stdio.h>

#include "job/controller_state.h"
#include "job/job_image.h"

/* Rows of each table that one turn lets go: the others' calls do not wait for longer. */
#define EXPIRED_PER_TURN 64
/* Jobs whose files are being removed for their age at one time; the rest waits its turn. */
#define REMOVALS_MAX 256
#define LOG_PAUSE_NS (60 * CLOCK_NS_PER_S)

static bool is_gone(void *context, enum store_table table, uint64_t id)
{
    struct controller *controller = context;
    const struct id_list *forgotten = &controller->turn.forgotten_operations;
    struct store_version *version = store_get(controller->options.store, table, id);

    if (!version) {
        return true;
    }
    store_version_unref(version);
    if (table == STORE_TABLE_JOB) {
        return job_table_find(controller->jobs, id) != NULL; /* ended, and living: it is being deleted */
    }
    for (size_t i = 0; i < forgotten->count; i++) {
        if (forgotten->ids[i] == id) {
            return true;
        }
    }
    return false;
}

int expired_create(struct controller *controller, struct err *err)
{
    const struct retention_options options = {.age_ns = controller->options.retention_ms * CLOCK_NS_PER_MS,
                                              .count_max = controller->options.retention_count,
                                              .is_gone = is_gone,
                                              .context = controller};

    return retention_create(&options, &controller->retention, err);
}

int expired_load(struct controller *controller, enum store_table table, const struct store_version *version,
                 struct err *err)
{
    struct job_outputs outputs;
    struct err unreadable = ERR_INIT;
    struct span spec;
    int64_t end;

    if (!retention_is_on(controller->retention)) {
        return 0;
    }
    if (table == STORE_TABLE_OPERATION) {
        if (store_version_state(version) == 0) {
            return 0;
        }
        end = operation_update_time(store_version_value(version));
    } else if (job_image_split(store_version_value(version), &outputs, &spec, &unreadable)) {
        return 0; /* what cannot be read is not judged by its age */
    } else {
        end = outputs.end_time_unix_ns;
    }
    return retention_add(controller->retention, table, store_version_id(version), end, err);
}

void expired_note_turn(struct controller *controller)
{
    const struct id_list *done = &controller->turn.done_operations;
    struct err err = ERR_INIT;
    int result = 0;

    for (struct job *job = controller->turn.touched; job && result == 0; job = job->next_touched) {
        if (!job->execution.deleting && job_state_is_terminal(job->state)) {
            result = retention_add(controller->retention, STORE_TABLE_JOB, job->id, job->end_time_unix_ns, &err);
        }
    }
    for (size_t i = 0; i < done->count && result == 0; i++) {
        result = retention_add(controller->retention, STORE_TABLE_OPERATION, done->ids[i], controller->turn.now_unix_ns,
                               &err);
    }
    if (result != 0) {
        controller_fail(controller, &err);
    }
}

static int expire_job(struct controller *controller, uint64_t id, struct err *err)
{
    struct store_version *version = store_get(controller->options.store, STORE_TABLE_JOB, id);
    struct store_keys keys;
    struct job *job;

    store_version_keys(version, &keys);
    job = job_table_add(controller->jobs, id, keys.name);
    store_version_unref(version);
    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "no memory to delete a job");
    }
    job->execution.job_id = id;
    delete_begin(controller, job, NULL, API_V1);
    controller->expired_removals += job->gone ? 0 : 1;
    return 0;
}

static void log_expired(struct controller *controller)
{
    char line[160];

    if (!controller->options.log || controller->expired_jobs + controller->expired_operations == 0 ||
        controller->turn.now_mono_ns < controller->expired_log_mono_ns) {
        return;
    }
    snprintf(line, sizeof line, "retention: %" PRIu64 " ended jobs and %" PRIu64 " done operations were removed",
             controller->expired_jobs, controller->expired_operations);
    controller->options.log(controller->options.context, line);
    controller->expired_jobs = 0;
    controller->expired_operations = 0;
    controller->expired_log_mono_ns = controller->turn.now_mono_ns + LOG_PAUSE_NS;
}

void decide_expired(struct controller *controller)
{
    int64_t now = controller->turn.now_unix_ns;
    struct err err = ERR_INIT;
    uint64_t id;

    for (int i = 0; i < EXPIRED_PER_TURN && controller->expired_removals < REMOVALS_MAX &&
                    (id = retention_take(controller->retention, STORE_TABLE_JOB, now)) != 0;
         i++) {
        if (expire_job(controller, id, &err)) {
            controller_fail(controller, &err);
            return;
        }
        controller->expired_jobs++;
    }
    for (int i = 0;
         i < EXPIRED_PER_TURN && (id = retention_take(controller->retention, STORE_TABLE_OPERATION, now)) != 0; i++) {
        turn_add_id(controller, &controller->turn.forgotten_operations, id);
        stage_delete(controller, STORE_TABLE_OPERATION, id);
        controller->expired_operations++;
    }
    log_expired(controller);
}

int64_t expired_next_ns(const struct controller *controller)
{
    int64_t operations = retention_next_ns(controller->retention, STORE_TABLE_OPERATION);
    int64_t jobs = controller->expired_removals < REMOVALS_MAX
                       ? retention_next_ns(controller->retention, STORE_TABLE_JOB)
                       : INT64_MAX;
    int64_t next = jobs < operations ? jobs : operations;

    return next > 0 ? next : 0;
}
