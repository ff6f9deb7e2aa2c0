#include <inttypes.h>
#include <stdio.h>

#include "job/controller_state.h"
#include "job/job_name.h"
#include "job/job_seal.h"

static int refuse_state(struct span name, enum job_state state, struct err *err)
{
    return err_set(err, ERR_PRECONDITION, "The CustomJob \"%.*s\" is in state %s and cannot be deleted.",
                   SPAN_FORMAT(name), job_state_name(state));
}

static int refuse_not_found(struct span name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "The CustomJob \"%.*s\" was not found.", SPAN_FORMAT(name));
}

/* A job that ended in this very turn: what it has become is staged before it is deleted. */
static int take_living(struct controller *controller, struct job *job, struct err *err)
{
    if (job->execution.deleting) {
        return refuse_not_found(span_of(job->name), err);
    }
    if (!job_state_is_terminal(job->state)) {
        return refuse_state(span_of(job->name), job->state, err);
    }
    stage_job(controller, job);
    return 0;
}

/* A job that ended before: it lives again for as long as its files do. */
static int take_ended(struct controller *controller, struct span name, struct job **ret_job, struct err *err)
{
    struct store_version *version = store_get_by_name(controller->options.store, STORE_TABLE_JOB, name);
    enum job_state state;
    bool is_locked;
    uint64_t id;
    struct job *job;

    if (!version) {
        return refuse_not_found(name, err);
    }
    state = (enum job_state)store_version_state(version);
    id = store_version_id(version);
    is_locked = store_version_is_locked(version);
    if (is_locked) {
        /* That it has ended is known, and is all that has to be: its key may never come back. */
        job_seal_refuse(version, err);
    }
    store_version_unref(version);
    if (!job_state_is_terminal(state)) {
        return is_locked ? -1 : refuse_state(name, state, err);
    }
    job = job_table_add(controller->jobs, id, name);
    if (!job) {
        return err_set(err, ERR_EXHAUSTED, "no memory to delete a job");
    }
    job->state = state;
    job->execution.job_id = id;
    retention_note_deleted(controller->retention, STORE_TABLE_JOB);
    *ret_job = job;
    return 0;
}

void delete_begin(struct controller *controller, struct job *job, struct operation *operation, enum api_version version)
{
    struct executor *executor = controller->executor;
    bool has_files = executor->ops->has_files(executor, job->id);

    execution_deinit(&job->execution);
    job->execution.job_id = job->id;
    job->execution.version = version;
    job->execution.deleting = true;
    job->execution.delete_operation_id = operation ? operation->id : 0;
    job->delete_operation = operation;
    job->gone = !has_files;
    job_touch(controller, job);
    stage_delete(controller, STORE_TABLE_JOB, job->id);
    if (operation) {
        stage_operation(controller, operation, !has_files, NULL);
    }
    if (has_files) {
        stage_record(controller, job);
        turn_act(controller, (struct act){.kind = ACT_REMOVE, .key = {.job_id = job->id}});
    }
}

static int delete_job(struct controller *controller, struct command *command, struct err *err)
{
    struct job *job = job_table_find_name(controller->jobs, command->name);
    struct job_name name;
    struct operation *operation;

    if (job_name_parse(command->name, &name, err)) {
        return refuse_not_found(command->name, err);
    }
    if (job ? take_living(controller, job, err) : take_ended(controller, command->name, &job, err)) {
        return -1;
    }
    operation = operation_create(OPERATION_DELETE, store_next_id(controller->options.store, STORE_TABLE_OPERATION),
                                 name.parent, command->version, controller->turn.now_unix_ns, err);
    if (!operation) {
        controller_fail(controller, err);
        return -1;
    }
    delete_begin(controller, job, operation, command->version);
    turn_reply_version(controller, command, STORE_TABLE_OPERATION, operation->id);
    return 0;
}

void decide_delete(struct controller *controller, struct command *command)
{
    struct err err = ERR_INIT;

    if (delete_job(controller, command, &err)) {
        turn_reply_error(controller, command, &err);
    }
}

/* There is no operation that could tell it. */
static void tell_refusal(struct controller *controller, const struct job *job, const char *refusal)
{
    char line[512];

    if (refusal && controller->options.log) {
        snprintf(line, sizeof line, "retention: the files of job %" PRIu64 " cannot be removed: %s", job->id, refusal);
        controller->options.log(controller->options.context, line);
    }
}

void decide_remove_delayed(struct controller *controller, const struct job *job, const char *reason)
{
    char line[512];

    if (controller->options.log) {
        snprintf(line, sizeof line,
                 "the files of the deleted job %" PRIu64 " cannot be removed now, which is tried on: %s", job->id,
                 reason);
        controller->options.log(controller->options.context, line);
    }
}

void decide_removed(struct controller *controller, struct job *job, const char *refusal)
{
    struct err err = ERR_INIT;

    if (!job->execution.deleting || job->gone) {
        return;
    }
    if (!job->delete_operation) {
        controller->expired_removals--;
        tell_refusal(controller, job, refusal);
    } else if (refusal) {
        err_set(&err, ERR_INTERNAL, "The CustomJob is deleted, but its files cannot be removed: %s", refusal);
        text_make_utf8(err.text, strlen(err.text));
    }
    if (job->delete_operation) {
        stage_operation(controller, job->delete_operation, true, refusal ? &err : NULL);
    }
    stage_delete(controller, STORE_TABLE_EXECUTION, job->id);
    job->record_stored = false;
    job->gone = true;
    job_touch(controller, job);
}
