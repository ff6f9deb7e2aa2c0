#include <stdlib.h>

#include "base/fault_point.h"
#include "job/controller_state.h"

#define NS_PER_US 1000
/* The wall clock may be set: limits counted in it are looked at this often at least. */
#define WALL_WAIT_NS_MAX (10 * CLOCK_NS_PER_S)

void controller_take_event(struct controller *controller, const struct execution_event *event, bool is_refusal)
{
    struct span message = span_of(event->message);
    struct event_mail *mail = malloc(sizeof *mail + message.size + 1 + event->stderr_tail.size);

    if (!mail) {
        __atomic_store_n(&controller->event_lost, true, __ATOMIC_RELEASE);
        return;
    }
    mail->event = *event;
    mail->is_refusal = is_refusal;
    memcpy(mail->texts, message.size > 0 ? message.data : "", message.size);
    mail->texts[message.size] = '\0';
    mail->event.message = mail->texts;
    mail->event.stderr_tail = span_make(mail->texts + message.size + 1, event->stderr_tail.size);
    if (event->stderr_tail.size > 0) {
        memcpy(mail->texts + message.size + 1, event->stderr_tail.data, event->stderr_tail.size);
    }
    if (mailbox_push(controller->events, &mail->mail) != MAILBOX_PUSHED) {
        __atomic_store_n(&controller->event_lost, true, __ATOMIC_RELEASE);
        free(mail);
    }
}

void turn_begin(struct controller *controller)
{
    const struct clock *clock = controller->options.clock;
    int64_t now = clock_wall_unix_ns(clock);

    controller->turn.now_unix_ns = now - now % NS_PER_US;
    controller->turn.now_mono_ns = clock_mono_ns(clock);
    controller->turn.now_call_ns = clock_mono_ns(controller->options.call_clock);
    controller->turn.touched = NULL;
    controller->turn.touched_end = &controller->turn.touched;
    controller->turn.image_bytes = 0;
}

/* Whether a message more, the number-th, is taken in this turn. */
static bool goes_on(const struct controller *controller, int number)
{
    return number < TURN_MESSAGES_MAX && !turn_is_full(controller) && !controller_has_failed(controller);
}

/* May end one that cannot be planned any more, and make room for others by that. */
static void start_planned(struct controller *controller)
{
    for (struct job *job = controller->turn.touched; job; job = job->next_touched) {
        job_start_planned(controller, job);
    }
}

static void stage_touched(struct controller *controller)
{
    for (struct job *job = controller->turn.touched; job; job = job->next_touched) {
        if (!job->execution.deleting) {
            stage_job(controller, job);
        }
    }
}

/* What was needed for this turn alone goes, and jobs that live no more. */
static void settle_touched(struct controller *controller)
{
    struct job *next;

    for (struct job *job = controller->turn.touched; job; job = next) {
        next = job->next_touched;
        job->touched = false;
        job->next_touched = NULL;
        blob_unref(job->new_image);
        job->new_image = NULL;
        job_plan_destroy(job->plan);
        job->plan = NULL;
        if (job->gone || (!job->execution.deleting && job_state_is_terminal(job->state))) {
            timers_clear(&controller->limits, &job->timer);
            timers_clear(&controller->backoffs, &job->backoff);
            job_table_remove(controller->jobs, job);
        }
    }
    controller->turn.touched = NULL;
    controller->turn.touched_end = &controller->turn.touched;
}

int turn_finish(struct controller *controller, struct err *err)
{
    struct err failure = ERR_INIT;

    start_planned(controller);
    admit_run(controller);
    if (!controller_has_failed(controller)) {
        stage_touched(controller);
        decide_waits(controller);
    }
    FAULT_POINT("turn.decided");
    if (!controller_has_failed(controller) && store_commit(controller->options.store, &failure)) {
        controller_fail(controller, &failure);
    }
    FAULT_POINT("turn.durable");
    if (!controller_has_failed(controller)) {
        expired_note_turn(controller);
        turn_carry_out(controller);
        settle_touched(controller);
    }
    if (__atomic_load_n(&controller->event_lost, __ATOMIC_ACQUIRE)) {
        err_set(&failure, ERR_EXHAUSTED, "no memory to take in what became of a replica");
        controller_fail(controller, &failure);
    }
    if (controller_has_failed(controller)) {
        turn_drop(controller);
        *err = controller->failure;
        return -1;
    }
    return 0;
}

static void take_events(struct controller *controller)
{
    if (!controller->events_left) {
        controller->events_left = mailbox_drain(controller->events);
    }
    for (int i = 0; controller->events_left && goes_on(controller, i); i++) {
        struct event_mail *mail = (struct event_mail *)controller->events_left;

        controller->events_left = mail->mail.next;
        decide_event(controller, mail);
        free(mail);
    }
}

static void decide_command(struct controller *controller, struct command *command)
{
    switch (command->kind) {
    case COMMAND_CREATE_JOB:
        decide_create(controller, command);
        break;
    case COMMAND_CANCEL_JOB:
        decide_cancel(controller, command);
        break;
    case COMMAND_DELETE_JOB:
        decide_delete(controller, command);
        break;
    case COMMAND_WAIT_OPERATION:
        decide_wait(controller, command);
        break;
    case COMMAND_DELETE_OPERATION:
        decide_delete_operation(controller, command);
        break;
    }
}

static void take_commands(struct controller *controller)
{
    if (!controller->commands_left) {
        controller->commands_left = mailbox_drain(controller->commands);
    }
    for (int i = 0; controller->commands_left && goes_on(controller, i); i++) {
        struct command *command = (struct command *)controller->commands_left;

        controller->commands_left = command->mail.next;
        decide_command(controller, command);
    }
}

static int64_t earlier(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

static int64_t until(int64_t due_ns, int64_t now_ns)
{
    if (due_ns == INT64_MAX) {
        return INT64_MAX;
    }
    return due_ns > now_ns ? due_ns - now_ns : 0;
}

static int64_t wall_wait(const struct controller *controller)
{
    int64_t due = earlier(timers_next_ns(&controller->limits), request_ids_next_ns(controller->request_ids));

    return until(earlier(due, expired_next_ns(controller)), clock_wall_unix_ns(controller->options.clock));
}

static int64_t mono_wait(const struct controller *controller)
{
    int64_t due = timers_next_ns(&controller->backoffs);

    if (controller->admission_retry_mono_ns != 0) {
        due = earlier(due, controller->admission_retry_mono_ns);
    }
    if (controller->schedule_due_mono_ns != 0) {
        due = earlier(due, controller->schedule_due_mono_ns);
    }
    return until(due, clock_mono_ns(controller->options.clock));
}

void controller_waits(const struct controller *controller, struct controller_waits *ret_waits)
{
    int64_t calls = until(waits_next_ns(controller->waits), clock_mono_ns(controller->options.call_clock));

    ret_waits->job_ns = earlier(wall_wait(controller), mono_wait(controller));
    ret_waits->real_ns = earlier(calls, controller->store_wait_ns);
    if (controller->commands_left || controller->events_left || (controller->queue_first && turn_is_full(controller)) ||
        mailbox_has_mail(controller->commands) || mailbox_has_mail(controller->events)) {
        ret_waits->job_ns = 0;
    }
}

/* How long the next turn may wait for mail. */
static int64_t next_wait(const struct controller *controller)
{
    struct controller_waits waits;

    controller_waits(controller, &waits);
    if (waits.job_ns > WALL_WAIT_NS_MAX && wall_wait(controller) != INT64_MAX) {
        waits.job_ns = WALL_WAIT_NS_MAX;
    }
    return earlier(waits.job_ns, waits.real_ns);
}

int controller_turn(struct controller *controller, int64_t *ret_wait_ns, struct err *err)
{
    THREAD_CHECK(&controller->owner);
    if (controller_has_failed(controller)) {
        *err = controller->failure;
        return -1;
    }
    turn_begin(controller);
    take_events(controller);
    take_commands(controller);
    decide_timers(controller);
    decide_expired(controller);
    if (turn_finish(controller, err)) {
        return -1;
    }
    dismiss_waits(controller);
    reconcile_note_turn(controller);
    if (controller->is_restored && controller->adoptions_open == 0) {
        controller->is_restored = false;
        controller->options.restored_settled(controller->options.context);
    }
    controller->store_wait_ns = INT64_MAX;
    if (store_tend(controller->options.store, &controller->store_wait_ns, err)) {
        controller_fail(controller, err);
        return -1;
    }
    space_tell(controller);
    *ret_wait_ns = next_wait(controller);
    return 0;
}
