#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "job/controller_state.h"
#include "job/replica_state.h"

bool replica_step(struct replica *replica, enum replica_event event)
{
    return replica_phase_next(replica->phase, event, &replica->phase);
}

/* A step that must be there: a mistake of ours if it is not. */
static void must_step(struct controller *controller, const struct job *job, struct replica *replica,
                      enum replica_event event)
{
    struct err err = ERR_INIT;

    if (!replica_step(replica, event)) {
        err_set(&err, ERR_INTERNAL, "workerpool%u-%u of %s is in phase %d, which does not take event %d",
                replica->pool_index, replica->replica_index, job->name, (int)replica->phase, (int)event);
        controller_fail(controller, &err);
    }
}

/* What the attempt before has left behind; its address stays. */
static void plan_again(struct controller *controller, const struct job *job, struct replica *replica, int64_t delay_ns)
{
    must_step(controller, job, replica, REPLICA_EVENT_AGAIN);
    replica->pid = 0;
    replica->exit_code = 0;
    replica->term_signal = 0;
    replica->oom_killed = false;
    replica->start_time_unix_ns = 0;
    replica->end_time_unix_ns = 0;
    replica->start_due_mono_ns = controller->turn.now_mono_ns + delay_ns;
}

/* The first line of an error, as it stands in a line of the service log. */
static struct span first_line(const struct job_error *error)
{
    struct span line = span_of(error->message);
    const char *newline = line.size > 0 ? memchr(line.data, '\n', line.size) : NULL;

    if (newline) {
        line.size = (size_t)(newline - line.data);
    }
    while (line.size > 0 && line.data[line.size - 1] == ' ') {
        line.size--;
    }
    return line;
}

void job_restart_replica(struct controller *controller, struct job *job, struct replica *replica,
                         const struct execution_event *event)
{
    struct job_error error = job_error_of_replica(event, job->name);
    struct span line = first_line(&error);
    int64_t delay_ns = retry_delay_ns(++replica->restart);

    plan_again(controller, job, replica, delay_ns);
    turn_tell(controller, job, "%.*s", SPAN_FORMAT(line));
    turn_tell(controller, job, "Restarting workerpool%u-%u in %" PRId64 " s: restart %u of at most %u.",
              replica->pool_index, replica->replica_index, delay_ns / CLOCK_NS_PER_S, replica->restart,
              retry_restarts_max(failure_of(event)));
    free(error.message);
    job_touch(controller, job);
}

void job_decide_retry(struct controller *controller, struct job *job, const struct execution_event *event)
{
    struct job_error error = job_error_of_replica(event, job->name);
    struct span line = first_line(&error);

    job->execution.retry_time_unix_ns = controller->turn.now_unix_ns;
    turn_tell(controller, job, "%.*s", SPAN_FORMAT(line));
    turn_tell(controller, job, "The job will be retried: attempt %u of at most %u.", job->execution.job_attempt + 1,
              retry_job_retries_max(failure_of(event)) + 1);
    free(error.message);
    job_touch(controller, job);
}

void job_begin_attempt(struct controller *controller, struct job *job)
{
    struct execution *execution = &job->execution;
    int64_t delay_ns = retry_delay_ns(execution->job_attempt++);

    execution->retry_time_unix_ns = 0;
    for (uint32_t i = 0; i < execution->replica_count; i++) {
        execution->replicas[i].restart = 0;
        plan_again(controller, job, &execution->replicas[i], delay_ns);
    }
    job_step(controller, job, JOB_EVENT_RETRY);
    job_set_timer(controller, job);
    turn_tell(controller, job, "Job is preparing: attempt %u begins in %" PRId64 " s.", execution->job_attempt,
              delay_ns / CLOCK_NS_PER_S);
}

void job_end_elsewhere(struct controller *controller, struct job *job, const struct replica *replica)
{
    const struct execution_event lost = {
        .kind = EXECUTION_EVENT_LOST,
        .key = execution_replica_key(&job->execution, replica),
        .message = "The store was restored from a backup, and of this attempt there are no files here."};

    job_decide_end(controller, job, JOB_STATE_FAILED, job_error_of_replica(&lost, job->name));
}

static void set_backoff(struct controller *controller, struct job *job, int64_t due_mono_ns)
{
    struct err err = ERR_INIT;

    if (due_mono_ns == INT64_MAX) {
        timers_clear(&controller->backoffs, &job->backoff);
    } else if (timers_set(&controller->backoffs, &job->backoff, due_mono_ns, &err)) {
        controller_fail(controller, &err);
    }
}

static void start_due(struct controller *controller, struct job *job)
{
    struct err err = ERR_INIT;

    if (!job->plan && admit_plan(controller, job, &err)) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_of(&err));
        job_proceed(controller, job);
        return;
    }
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        struct replica *replica = &job->execution.replicas[i];

        if (replica->phase == REPLICA_PLANNED && replica->start_due_mono_ns <= controller->turn.now_mono_ns) {
            must_step(controller, job, replica, REPLICA_EVENT_ASKED);
            turn_act(controller, (struct act){.kind = ACT_START,
                                              .key = execution_replica_key(&job->execution, replica),
                                              .task = job_plan_task(job->plan, i)});
        }
    }
}

void job_start_planned(struct controller *controller, struct job *job)
{
    int64_t next_mono_ns = INT64_MAX;
    bool is_due = false;

    /* Of a job that is to end or begin anew none is planned: job_proceed has seen to that. */
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        const struct replica *replica = &job->execution.replicas[i];

        if (replica->phase != REPLICA_PLANNED) {
            continue;
        }
        if (replica->start_due_mono_ns <= controller->turn.now_mono_ns) {
            is_due = true;
        } else if (replica->start_due_mono_ns < next_mono_ns) {
            next_mono_ns = replica->start_due_mono_ns;
        }
    }
    set_backoff(controller, job, next_mono_ns);
    if (is_due) {
        start_due(controller, job);
    }
}

void decide_backoffs(struct controller *controller)
{
    struct timer *timer;

    /* The rest is done at the end of the turn, for all jobs that were touched. */
    while ((timer = timers_take_due(&controller->backoffs, controller->turn.now_mono_ns))) {
        job_touch(controller, (struct job *)((char *)timer - offsetof(struct job, backoff)));
    }
}
