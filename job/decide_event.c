#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "job/controller_state.h"

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

/* Every replica runs, or ran: a worker that was quick may be through already. Once the end is decided, a replica that
 * was slow to start changes nothing. */
static void proceed_to_running(struct controller *controller, struct job *job)
{
    int64_t latest = 0;

    if (job->state != JOB_STATE_PENDING || job->execution.end.state != 0) {
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
    if (replica->phase == REPLICA_STARTING) {
        replica->phase = REPLICA_RUNNING;
    }
    proceed_to_running(controller, job);
}

/* It ended by itself before the cancellation was decided, and only the news came later: then it was not cancelled. */
static bool beat_the_cancel(const struct job *job, const struct execution_event *event)
{
    return job->execution.cancel_requested && job->execution.end.state == JOB_STATE_CANCELLED &&
           event->kind == EXECUTION_EVENT_EXITED && event->time_unix_ns > 0 &&
           event->time_unix_ns < job->execution.cancel_time_unix_ns;
}

static void decide_outcome(struct controller *controller, struct job *job, const struct replica *replica,
                           const struct execution_event *event)
{
    bool is_primary = replica == &job->execution.replicas[0];
    bool is_success = replica->phase == REPLICA_EXITED && replica->exit_code == 0 && replica->term_signal == 0;

    if (is_success && !is_primary) {
        return;
    }
    if (beat_the_cancel(job, event)) {
        free(job->execution.end.error_message);
        job->execution.end = (struct job_end){0};
    }
    if (job->execution.end.state != 0) {
        return;
    }
    if (is_success) {
        job_decide_end(controller, job, JOB_STATE_SUCCEEDED, (struct job_error){0});
    } else {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_of_replica(event, job->name));
    }
}

static void ended(struct controller *controller, struct job *job, struct replica *replica, enum replica_phase phase,
                  const struct execution_event *event)
{
    replica->phase = phase;
    replica->end_time_unix_ns = job_witness_time(controller, job, event->time_unix_ns);
    if (phase == REPLICA_EXITED) {
        replica->exit_code = event->exit_code;
        replica->term_signal = event->term_signal;
        replica->oom_killed = event->oom_killed;
    }
    if (phase != REPLICA_START_FAILED) {
        note_start(controller, job, replica, event->time_unix_ns);
        proceed_to_running(controller, job);
    }
    decide_outcome(controller, job, replica, event);
    job_proceed_to_end(controller, job);
}

/* The executor never saw it, so the crash came between the decision and the act: it is started now, if still wanted. */
static void start_again(struct controller *controller, struct job *job, struct replica *replica)
{
    struct execution_key key = execution_replica_key(&job->execution, replica);
    struct err err = ERR_INIT;

    if (job->execution.end.state != 0) {
        replica->phase = REPLICA_START_FAILED;
        replica->end_time_unix_ns = controller->turn.now_unix_ns;
        job_proceed_to_end(controller, job);
        return;
    }
    if (!job->plan && admit_plan(controller, job, &err)) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_of(&err));
        replica->phase = REPLICA_START_FAILED;
        replica->end_time_unix_ns = controller->turn.now_unix_ns;
        job_proceed_to_end(controller, job);
        return;
    }
    replica->phase = REPLICA_STARTING;
    turn_act(controller, (struct act){.kind = ACT_START,
                                      .key = key,
                                      .task = job_plan_task(job->plan, (size_t)(replica - job->execution.replicas))});
}

/* Where a store was restored, that an attempt has no files says nothing of whether it has run. */
static void not_launched(struct controller *controller, struct job *job, struct replica *replica,
                         const struct execution_event *event)
{
    struct execution_event lost = *event;

    if (!controller->is_restored) {
        start_again(controller, job, replica);
        return;
    }
    lost.kind = EXECUTION_EVENT_LOST;
    lost.message = "The store was restored from a backup, and of this attempt there are no files here.";
    ended(controller, job, replica, REPLICA_LOST, &lost);
}

static void replica_event(struct controller *controller, struct job *job, struct replica *replica,
                          const struct execution_event *event)
{
    job_touch(controller, job);
    controller->adoptions_open -= replica->adopting ? 1 : 0;
    replica->adopting = false;
    switch (event->kind) {
    case EXECUTION_EVENT_STARTED:
        started(controller, job, replica, event);
        break;
    case EXECUTION_EVENT_START_FAILED:
        ended(controller, job, replica, REPLICA_START_FAILED, event);
        break;
    case EXECUTION_EVENT_EXITED:
        ended(controller, job, replica, REPLICA_EXITED, event);
        break;
    case EXECUTION_EVENT_LOST:
        ended(controller, job, replica, REPLICA_LOST, event);
        break;
    case EXECUTION_EVENT_NOT_LAUNCHED:
        not_launched(controller, job, replica, event);
        break;
    case EXECUTION_EVENT_REMOVED:
        break;
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
        decide_removed(controller, job, mail->is_refusal ? event->message : NULL);
        return;
    }
    replica = job->execution.deleting || job_state_is_terminal(job->state) ? NULL : find_replica(job, &event->key);
    if (replica && !replica_has_ended(replica)) {
        replica_event(controller, job, replica, event);
    }
}

static void limit_reached(struct controller *controller, struct job *job)
{
    if (job->state == JOB_STATE_QUEUED) {
        job_decide_end(controller, job, JOB_STATE_FAILED, job_error_wait(job->wait_max_ns));
        job_proceed_to_end(controller, job);
    } else if (job->state == JOB_STATE_RUNNING && job->execution.end.state == 0) {
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

    while (budget-- > 0 && (timer = timers_take_due(&controller->limits, controller->turn.now_unix_ns))) {
        limit_reached(controller, (struct job *)timer);
    }
    while (budget-- > 0 && (expired = request_ids_expired(controller->request_ids, controller->turn.now_unix_ns))) {
        stage_delete(controller, STORE_TABLE_REQUEST_ID, expired->id);
        request_ids_drop_oldest(controller->request_ids);
    }
    while ((command = waits_take_due(controller->waits, controller->turn.now_mono_ns, &id))) {
        turn_reply_version(controller, command, STORE_TABLE_OPERATION, id);
    }
}
