#include "job/controller_state.h"
#include "job/job_name.h"
#include "job/job_seal.h"

static int refuse_not_found(struct span name, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "The CustomJob \"%.*s\" was not found.", SPAN_FORMAT(name));
}

/* Of a job that does not live any more: it has ended, or never was. */
static int refuse(struct controller *controller, struct span name, struct err *err)
{
    struct store_version *version = store_get_by_name(controller->options.store, STORE_TABLE_JOB, name);
    enum job_state state;

    if (!version) {
        return refuse_not_found(name, err);
    }
    if (store_version_is_locked(version)) {
        job_seal_refuse(version, err);
        store_version_unref(version);
        return -1;
    }
    state = (enum job_state)store_version_state(version);
    store_version_unref(version);
    return err_set(err, ERR_PRECONDITION, "The CustomJob \"%.*s\" is in state %s and cannot be canceled.",
                   SPAN_FORMAT(name), job_state_name(state));
}

/* The operation that tells a client when the cancellation is over. */
static int open_operation(struct controller *controller, struct job *job, enum api_version version, struct err *err)
{
    uint64_t id = store_next_id(controller->options.store, STORE_TABLE_OPERATION);
    struct job_name name;

    if (job_name_parse(span_of(job->name), &name, err)) {
        return -1;
    }
    job->cancel_operation =
        operation_create(OPERATION_CANCEL, id, name.parent, version, controller->turn.now_unix_ns, err);
    if (!job->cancel_operation) {
        return -1;
    }
    job->execution.cancel_operation_id = id;
    job->operation_open = true;
    job_touch(controller, job);
    return 0;
}

static int cancel(struct controller *controller, struct command *command, struct err *err)
{
    struct job *job = job_table_find_name(controller->jobs, command->name);

    if (!job) {
        return refuse(controller, command->name, err);
    }
    if (job->execution.deleting) {
        return refuse_not_found(command->name, err);
    }
    if (job_state_is_terminal(job->state)) {
        return err_set(err, ERR_PRECONDITION, "The CustomJob \"%s\" is in state %s and cannot be canceled.", job->name,
                       job_state_name(job->state));
    }
    if (!job->cancel_operation && open_operation(controller, job, command->version, err)) {
        return -1;
    }
    if (!job->execution.cancel_requested) {
        turn_tell(controller, job, "Cancellation was requested.");
    }
    job_cancel(controller, job, job_error_cancelled());
    turn_reply_done(controller, command, job->cancel_operation->name);
    return 0;
}

void decide_cancel(struct controller *controller, struct command *command)
{
    struct err err = ERR_INIT;

    if (cancel(controller, command, &err)) {
        turn_reply_error(controller, command, &err);
    }
}
