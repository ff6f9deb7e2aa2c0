#include <inttypes.h>
#include <stdlib.h>

#include "job/controller_state.h"
#include "job/schedule.h"

#define NS_PER_US 1000

void job_touch(struct controller *controller, struct job *job)
{
    if (!job->touched) {
        job->touched = true;
        *controller->turn.touched_end = job;
        controller->turn.touched_end = &job->next_touched;
    }
}

void job_change_image(struct controller *controller, struct job *job)
{
    if (!job->image_changed) {
        job->image_changed = true;
        controller->turn.image_bytes += stage_image_bytes(controller, job);
    }
    job_touch(controller, job);
}

void job_step(struct controller *controller, struct job *job, enum job_event event)
{
    enum job_state next;

    if (!job_state_next(job->state, event, &next)) {
        struct err err = ERR_INIT;

        err_set(&err, ERR_INTERNAL, "%s is in %s, which does not take event %d", job->name, job_state_name(job->state),
                (int)event);
        controller_fail(controller, &err);
        return;
    }
    job->state = next;
    if (job->update_time_unix_ns < controller->turn.now_unix_ns) {
        job->update_time_unix_ns = controller->turn.now_unix_ns;
    }
    job_change_image(controller, job);
}

int64_t job_witness_time(const struct controller *controller, const struct job *job, int64_t unix_ns)
{
    int64_t now = controller->turn.now_unix_ns;

    if (unix_ns <= 0 || unix_ns > now) {
        unix_ns = now;
    }
    /* A wall clock that was set back does not turn the order of a job's times around. */
    if (unix_ns < job->create_time_unix_ns) {
        unix_ns = job->create_time_unix_ns;
    }
    if (unix_ns < job->start_time_unix_ns) {
        unix_ns = job->start_time_unix_ns;
    }
    return unix_ns - unix_ns % NS_PER_US;
}

void job_set_timer(struct controller *controller, struct job *job)
{
    int64_t due = 0;
    struct err err = ERR_INIT;

    if (job->state == JOB_STATE_QUEUED) {
        due = job->execution.wait_deadline_unix_ns;
    } else if ((job->state == JOB_STATE_PENDING || job->state == JOB_STATE_RUNNING) && job->execution.end.state == 0) {
        due = job->execution.timeout_deadline_unix_ns;
    }
    if (due == 0) {
        timers_clear(&controller->limits, &job->timer);
    } else if (timers_set(&controller->limits, &job->timer, due, &err)) {
        controller_fail(controller, &err);
    }
}

void job_decide_end(struct controller *controller, struct job *job, enum job_state state, struct job_error error)
{
    struct job_end *end = &job->execution.end;

    if (end->state != 0) {
        free(error.message);
        return;
    }
    *end = (struct job_end){(uint32_t)state, error.code, error.message};
    job->execution.retry_time_unix_ns = 0;
    job_set_timer(controller, job);
    job_touch(controller, job);
}

/* The last moment a witness saw something of it run. */
static int64_t end_time(const struct controller *controller, const struct job *job)
{
    int64_t time = job->start_time_unix_ns;

    if (job->execution.replica_count == 0) {
        return job_witness_time(controller, job, controller->turn.now_unix_ns);
    }
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        int64_t ended = job->execution.replicas[i].end_time_unix_ns;

        time = ended > time ? ended : time;
    }
    return job_witness_time(controller, job, time);
}

static void tell_end(struct controller *controller, const struct job *job)
{
    if (job->execution.replica_count > 0) {
        turn_tell(controller, job, "Finished tearing down training program.");
    }
    switch (job->state) {
    case JOB_STATE_SUCCEEDED:
        turn_tell(controller, job, "Job completed successfully.");
        break;
    case JOB_STATE_CANCELLED:
        turn_tell(controller, job, "Job is canceled.");
        break;
    default:
        turn_tell(controller, job, "Job failed with error code %d: %s", job->error.code,
                  job->error.message ? job->error.message : "");
        break;
    }
}

static void finish(struct controller *controller, struct job *job)
{
    struct job_end *end = &job->execution.end;

    if (job->state == JOB_STATE_QUEUED) {
        admit_dequeue(controller, job);
    }
    if (end->state == JOB_STATE_SUCCEEDED) {
        job_step(controller, job, JOB_EVENT_SUCCEEDED);
    } else if (end->state == JOB_STATE_CANCELLED) {
        job_step(controller, job, JOB_EVENT_CANCELLED);
    } else {
        job_step(controller, job, JOB_EVENT_FAILED);
    }
    /* All was over before the last of its replicas was seen to start. */
    if (end->state == JOB_STATE_SUCCEEDED && job->start_time_unix_ns == 0) {
        job->start_time_unix_ns = job_witness_time(controller, job, job->execution.replicas[0].start_time_unix_ns);
    }
    job->end_time_unix_ns = end_time(controller, job);
    job->error = (struct job_error){end->error_code, end->error_message};
    end->error_message = NULL;
    job_set_timer(controller, job);
    if (job->holds_resources) {
        schedule_note(controller, job);
        admit_release(controller, job);
        turn_act(controller, (struct act){.kind = ACT_RELEASE_ADDRESSES, .key = {.job_id = job->id}});
    }
    tell_end(controller, job);
    turn_seal(controller, job, true);
}

/* True while something of it may run. */
static bool stop_replica(struct controller *controller, struct job *job, struct replica *replica, bool *is_stopping)
{
    bool may_run = replica->phase != REPLICA_PLANNED;

    if (replica_has_ended(replica)) {
        return false;
    }
    if (replica->phase != REPLICA_STOPPING) {
        (void)replica_step(replica, REPLICA_EVENT_STOP);
        job_touch(controller, job);
        if (!may_run) { /* it waited for its start until now */
            replica->end_time_unix_ns = job_witness_time(controller, job, controller->turn.now_unix_ns);
        } else {
            *is_stopping = true;
            turn_act(controller,
                     (struct act){.kind = ACT_STOP, .key = execution_replica_key(&job->execution, replica)});
        }
    }
    return may_run;
}

void job_proceed(struct controller *controller, struct job *job)
{
    struct execution *execution = &job->execution;
    bool is_stopping = false;
    bool runs = false;

    if ((execution->end.state == 0 && execution->retry_time_unix_ns == 0) || job_state_is_terminal(job->state)) {
        return;
    }
    for (uint32_t i = 0; i < execution->replica_count; i++) {
        runs = stop_replica(controller, job, &execution->replicas[i], &is_stopping) || runs;
    }
    if (is_stopping) {
        turn_tell(controller, job, "Tearing down training program.");
    }
    if (runs) {
        return;
    }
    if (execution->end.state != 0) {
        finish(controller, job);
    } else {
        job_begin_attempt(controller, job);
    }
}

void job_cancel(struct controller *controller, struct job *job, struct job_error error)
{
    if (!job->execution.cancel_requested) {
        job->execution.cancel_requested = true;
        job->execution.cancel_time_unix_ns = controller->turn.now_unix_ns;
    }
    if (job->state != JOB_STATE_QUEUED && job->state != JOB_STATE_CANCELLING) {
        job_step(controller, job, JOB_EVENT_CANCEL);
    }
    job_decide_end(controller, job, JOB_STATE_CANCELLED, error);
    job_proceed(controller, job);
}
