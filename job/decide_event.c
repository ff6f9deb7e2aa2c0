#include <inttypes.h>
#include <stdlib.h>

#include "base/fault_point.h"
#include "base/limits.h"
#include "job/controller_state.h"

#define MIB UINT64_C(1048576)

static struct replica *find_replica(struct job *job, const struct execution_key *key)
{
    if (key->job_attempt != job->execution.job_attempt) {
        return NULL;
    }
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        struct replica *replica = &job->execution.replicas[i];

        if (replica->pool_index == key->pool_index && replica->replica_index == key->replica_index &&
            replica->restart == key->restart) {
            return replica;
        }
    }
    return NULL;
}

/* Every replica runs, or ran: a worker that was quick may be through already. Once an end or another attempt is decided,
 * a replica that was slow to start changes nothing. */
static void proceed_to_running(struct controller *controller, struct job *job)
{
    int64_t latest = 0;

    if (job->state != JOB_STATE_PENDING || job->execution.end.state != 0 || job->execution.retry_time_unix_ns != 0) {
        return;
    }
    for (uint32_t i = 0; i < job->execution.replica_count; i++) {
        int64_t started = job->execution.replicas[i].start_time_unix_ns;

        if (started == 0) {
            return;
        }
        latest = started > latest ? started : latest;
    }
    job_step(controller, job, JOB_EVENT_ALL_RUNNING);
    if (job->start_time_unix_ns == 0) {
        job->start_time_unix_ns = job_witness_time(controller, job, latest);
    }
    if (job->execution.timeout_deadline_unix_ns == 0 &&
        __builtin_add_overflow(job->start_time_unix_ns, job->timeout_ns, &job->execution.timeout_deadline_unix_ns)) {
        job->execution.timeout_deadline_unix_ns = INT64_MAX;
    }
    job_set_timer(controller, job);
    turn_tell(controller, job, "Job is running.");
}

static void note_start(struct controller *controller, struct job *job, struct replica *replica, int64_t time_unix_ns)
{
    if (replica->start_time_unix_ns == 0) {
        replica->start_time_unix_ns = job_witness_time(controller, job, time_unix_ns);
    }
}

static void started(struct controller *controller, struct job *job, struct replica *replica,
                    const struct execution_event *event)
{
    note_start(controller, job, replica, event->time_unix_ns);
    replica->pid = event->pid;
    proceed_to_running(controller, job);
}

/* It ended by itself before this was decided, and only the news came later. */
static bool ended_before(const struct execution_event *event, int64_t decided_unix_ns)
{
    return event->kind == EXECUTION_EVENT_EXITED && event->time_unix_ns > 0 && event->time_unix_ns < decided_unix_ns;
}

/* Then it was not cancelled. */
static void beat_the_cancel(struct job *job, const struct execution_event *event)
{
    struct execution *execution = &job->execution;

    if (execution->cancel_requested && execution->end.state == JOB_STATE_CANCELLED &&
        ended_before(event, execution->cancel_time_unix_ns)) {
        free(execution->end.error_message);
        execution->end = (struct job_end){0};
    }
}

/* The primary decides for all. A retry that was decided on after it was through is not needed. */
static void succeeded(struct controller *controller, struct job *job, const struct replica *replica,
                      const struct execution_event *event)
{
    int64_t retry_time = job->execution.retry_time_unix_ns;

    if (replica != &job->execution.replicas[0] || (retry_time != 0 && !ended_before(event, retry_time))) {
        return;
    }
    beat_the_cancel(job, event);
    job_decide_end(controller, job, JOB_STATE_SUCCEEDED, (struct job_error){0});
}

/* What would have been started again was cancelled all the same; once all is to be tried again, no failure counts. */
static void failed(struct controller *controller, struct job *job, struct replica *replica,
                   const struct execution_event *event)
{
    struct execution *execution = &job->execution;
    enum retry retry = retry_decide(&job->retry_rules, failure_of(event), replica->restart, execution->job_attempt);

    if (execution->retry_time_unix_ns != 0) {
        return;
    }
    if (retry == RETRY_NOTHING) {
        beat_the_cancel(job, event);
        if (execution->end.state == 0) {
            job_decide_end(controller, job, JOB_STATE_FAILED, job_error_of_replica(event, job->name));
        }
    } else if (execution->end.state == 0 && retry == RETRY_REPLICA) {
        job_restart_replica(controller, job, replica, event);
        FAULT_POINT("retry.decided");
    } else if (execution->end.state == 0) {
        job_decide_retry(controller, job, event);
        FAULT_POINT("retry.decided");
    }
}

/* What it has cost, where somebody counted. */
static void tell_usage(struct controller *controller, const struct job *job, const struct execution_event *event)
{
    if (event->kind == EXECUTION_EVENT_EXITED && event->cpu_time_us > 0) {
        turn_tell(controller, job,
                  "The replica workerpool%u-%u has ended: %.1f s of processor time, at most %" PRIu64
                  " MiB in one process.",
                  event->key.pool_index, event->key.replica_index, (double)event->cpu_time_us / 1e6,
                  event->peak_memory_bytes / MIB);
    }
}

static void ended(struct controller *controller, struct job *job, struct replica *replica,
                  const struct execution_event *event)
{
    replica->end_time_unix_ns = job_witness_time(controller, job, event->time_unix_ns);
    if (event->kind == EXECUTION_EVENT_EXITED) {
        replica->exit_code = event->exit_code;
        replica->term_signal = event->term_signal;
        replica->oom_killed = event->oom_killed;
    }
    tell_usage(controller, job, event);
    if (event->kind != EXECUTION_EVENT_START_FAILED) {
        note_start(controller, job, replica, event->time_unix_ns);
        proceed_to_running(controller, job);
    }
    if (event->kind == EXECUTION_EVENT_EXITED && event->exit_code == 0 && event->term_signal == 0) {
        succeeded(controller, job, replica, event);
    } else {
        failed(controller, job, replica, event);
    }
    job_proceed(controller, job);
}

/* The crash came between the decision and the act: it is started at the end of this turn, if it is still wanted. Where a
 * store was restored, that an attempt has no files says nothing of whether it has run. */
static void not_launched(struct controller *controller, struct job *job, struct replica *replica)
{
    replica->start_due_mono_ns = 0;
    if (controller->is_restored) {
        job_end_elsewhere(controller, job, replica);
    } else if (replica_has_ended(replica)) {
        replica->end_time_unix_ns = controller->turn.now_unix_ns;
    }
    job_proceed(controller, job);
}

static bool step_of(enum execution_event_kind kind, enum replica_event *ret_event)
{
    static const enum replica_event events[] = {[EXECUTION_EVENT_STARTED] = REPLICA_EVENT_STARTED,
                                                [EXECUTION_EVENT_START_FAILED] = REPLICA_EVENT_START_FAILED,
                                                [EXECUTION_EVENT_EXITED] = REPLICA_EVENT_EXITED,
                                                [EXECUTION_EVENT_LOST] = REPLICA_EVENT_LOST,
                                                [EXECUTION_EVENT_NOT_LAUNCHED] = REPLICA_EVENT_NOT_LAUNCHED};

    if ((unsigned)kind >= sizeof events / sizeof events[0]) {
        return false;
    }
    *ret_event = events[kind];
    return true;
}

static void replica_event(struct controller *controller, struct job *job, struct replica *replica,
                          const struct execution_event *event)
{
    enum replica_event step;

    controller->adoptions_open -= replica->adopting ? 1 : 0;
    replica->adopting = false;
    if (!step_of(event->kind, &step) || !replica_step(replica, step)) {
        return;
    }
    job_touch(controller, job);
    if (step == REPLICA_EVENT_STARTED) {
        FAULT_POINT("event.started");
        started(controller, job, replica, event);
    } else if (step == REPLICA_EVENT_NOT_LAUNCHED) {
        not_launched(controller, job, replica);
    } else {
        FAULT_POINT("event.exited");
        ended(controller, job, replica, event);
    }
}

void decide_event(struct controller *controller, const struct event_mail *mail)
{
    const struct execution_event *event = &mail->event;
    struct job *job = job_table_find(controller->jobs, event->key.job_id);
    struct replica *replica;

    /* News of a job that has ended, or of an attempt that was given up, change nothing. */
    if (!job) {
        return;
    }
    if (event->kind == EXECUTION_EVENT_REMOVED) {
        FAULT_POINT("event.removed");
        decide_removed(controller, job, mail->is_refusal ? event->message : NULL);
        return;
    }
    if (event->kind == EXECUTION_EVENT_REMOVE_DELAYED) {
        decide_remove_delayed(controller, job, event->message);
        return;
    }
    replica = job->execution.deleting || job_state_is_terminal(job->state) ? NULL : find_replica(job, &event->key);
    if (replica) {
        replica_event(controller, job, replica, event);
    }
}

static void limit_reached(struct controller *controller, struct job *job)
{
    if (job->state == JOB_STATE_QUEUED) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_wait(job->wait_max_ns));
        job_proceed(controller, job);
    } else if (job->execution.end.state == 0) {
        turn_tell(controller, job, "The job reached its scheduling.timeout and is being canceled.");
        job_cancel(controller, job, job_error_timeout(job->timeout_ns));
    }
}

void decide_timers(struct controller *controller)
{
    const struct request_id *expired;
    struct command *command;
    struct timer *timer;
    uint64_t id;
    int budget = TURN_MESSAGES_MAX;

    while (budget-- > 0 && !turn_is_full(controller) &&
           (timer = timers_take_due(&controller->limits, controller->turn.now_unix_ns))) {
        limit_reached(controller, (struct job *)timer);
    }
    decide_backoffs(controller);
    while (budget-- > 0 && (expired = request_ids_expired(controller->request_ids, controller->turn.now_unix_ns))) {
        stage_delete(controller, STORE_TABLE_REQUEST_ID, expired->id);
        request_ids_drop_oldest(controller->request_ids);
    }
    while ((command = waits_take_due(controller->waits, controller->turn.now_call_ns, &id))) {
        turn_reply_version(controller, command, STORE_TABLE_OPERATION, id);
    }
}
