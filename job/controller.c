#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "job/controller_state.h"
#include "job/schedule.h"

/* Events are as many as executions started make: they are bounded by replicas_max and the deletions asked for, not by
 * this. */
#define EVENTS_MAX SIZE_MAX

static void take_sink_event(void *context, const struct execution_event *event)
{
    struct controller *controller = context;

    controller_take_event(controller, event, false);
    if (__atomic_load_n(&controller->event_lost, __ATOMIC_ACQUIRE)) {
        eventfd_write(controller->wake_fd, 1);
    }
}

struct execution_sink controller_sink(struct controller *controller)
{
    return (struct execution_sink){controller, take_sink_event};
}

static int make_parts(struct controller *controller, struct err *err)
{
    controller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (controller->wake_fd < 0) {
        return err_set_errno(err, errno, "cannot make an eventfd");
    }
    if (mailbox_create(LIMIT_CONTROLLER_MAIL, &controller->commands, err) ||
        mailbox_create(EVENTS_MAX, &controller->events, err) || job_table_create(&controller->jobs, err) ||
        capacity_create(controller->options.capacity, controller->options.replicas_max, &controller->capacity, err) ||
        run_history_create(&controller->run_history, err) || request_ids_create(&controller->request_ids, err) ||
        waits_create(&controller->waits, err) || expired_create(controller, err)) {
        return -1;
    }
    return reconcile_load(controller, err) || schedule_recall(controller, err) ? -1 : 0;
}

int controller_create(const struct controller_options *options, struct controller **ret_controller, struct err *err)
{
    struct controller *controller = calloc(1, sizeof *controller);

    if (!controller) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the controller");
    }
    controller->options = *options;
    if (!controller->options.schedule_policy) {
        controller->options.schedule_policy = &schedule_fifo;
    }
    if (!options->call_clock) {
        controller->options.call_clock = options->clock;
    }
    controller->wake_fd = -1;
    controller->is_restored = options->is_restored;
    store_bind_owner(options->store);
    if (make_parts(controller, err)) {
        controller_destroy(controller);
        return -1;
    }
    *ret_controller = controller;
    return 0;
}

int controller_attach(struct controller *controller, struct executor *executor, struct err *err)
{
    thread_check_bind(&controller->owner, "controller");
    store_bind_owner(controller->options.store);
    controller->executor = executor;
    turn_begin(controller);
    if (reconcile_attach(controller, err)) {
        controller_fail(controller, err);
        return -1;
    }
    return turn_finish(controller, err);
}

void controller_wait(struct controller *controller, int64_t wait_ns, int fd)
{
    struct pollfd fds[] = {{mailbox_fd(controller->commands), POLLIN, 0},
                           {mailbox_fd(controller->events), POLLIN, 0},
                           {controller->wake_fd, POLLIN, 0},
                           {fd, POLLIN, 0}};
    struct timespec timeout = {.tv_sec = (time_t)(wait_ns / CLOCK_NS_PER_S),
                               .tv_nsec = (long)(wait_ns % CLOCK_NS_PER_S)};
    eventfd_t ignored;

    /* An error or a signal only makes the next turn come sooner. */
    if (ppoll(fds, 4, wait_ns == INT64_MAX ? NULL : &timeout, NULL) > 0 && fds[2].revents) {
        eventfd_read(controller->wake_fd, &ignored);
    }
}

/* Turns until told to stop and everything taken is answered. */
static int make_turns(struct controller *controller, struct err *err)
{
    for (;;) {
        bool is_stopping = __atomic_load_n(&controller->stopping, __ATOMIC_ACQUIRE);
        int64_t wait_ns;

        if (controller_turn(controller, &wait_ns, err)) {
            return -1;
        }
        if (is_stopping && !controller->commands_left) {
            /* What was left from before may have been all that this turn took. */
            controller->commands_left = mailbox_drain(controller->commands);
            if (!controller->commands_left) {
                return 0;
            }
        }
        if (!is_stopping && wait_ns > 0) {
            controller_wait(controller, wait_ns, -1);
        }
    }
}

static void *run(void *argument)
{
    struct controller *controller = argument;
    struct err err = ERR_INIT;

    pthread_setname_np(pthread_self(), "controller");
    thread_check_bind(&controller->owner, "controller");
    store_bind_owner(controller->options.store);
    if (make_turns(controller, &err)) {
        mailbox_close(controller->commands);
        controller->options.fatal(controller->options.context, &err);
    }
    return NULL;
}

int controller_start(struct controller *controller, struct executor *executor, struct err *err)
{
    int result;

    if (controller_attach(controller, executor, err)) {
        return -1;
    }
    result = pthread_create(&controller->thread, NULL, run, controller);
    if (result != 0) {
        return err_set_errno(err, result, "cannot make the controller's thread");
    }
    controller->has_thread = true;
    return 0;
}

int controller_submit(struct controller *controller, struct command *command, struct err *err)
{
    switch (mailbox_push(controller->commands, &command->mail)) {
    case MAILBOX_PUSHED:
        return 0;
    case MAILBOX_FULL:
        return err_set(err, ERR_EXHAUSTED, "%d calls wait for a decision already; try again later",
                       LIMIT_CONTROLLER_MAIL);
    case MAILBOX_CLOSED:
        break;
    }
    return err_set(err, ERR_UNAVAILABLE, "the server is stopping");
}

void controller_abandon(struct controller *controller, struct command *command)
{
    __atomic_store_n(&command->is_abandoned, true, __ATOMIC_RELEASE);
    __atomic_store_n(&controller->has_abandoned, true, __ATOMIC_RELEASE);
    eventfd_write(controller->wake_fd, 1);
}

void controller_end_waits(struct controller *controller)
{
    __atomic_store_n(&controller->ends_waits, true, __ATOMIC_RELEASE);
    eventfd_write(controller->wake_fd, 1);
}

void controller_stop(struct controller *controller)
{
    struct err err = ERR_INIT;

    if (controller->has_stopped) {
        return;
    }
    controller->has_stopped = true;
    controller_end_waits(controller);
    mailbox_close(controller->commands);
    __atomic_store_n(&controller->stopping, true, __ATOMIC_RELEASE);
    if (controller->has_thread) {
        eventfd_write(controller->wake_fd, 1);
        pthread_join(controller->thread, NULL);
        controller->has_thread = false;
    } else if (controller->executor && !controller_has_failed(controller) && make_turns(controller, &err)) {
        controller->options.fatal(controller->options.context, &err);
    }
}

void controller_destroy(struct controller *controller)
{
    struct mail *mail;

    if (!controller) {
        return;
    }
    if (controller->has_thread) {
        controller_stop(controller);
    }
    while (controller->events_left ||
           (controller->events && (controller->events_left = mailbox_drain(controller->events)))) {
        mail = controller->events_left;
        controller->events_left = mail->next;
        free(mail);
    }
    turn_drop(controller);
    turn_deinit(&controller->turn);
    timers_deinit(&controller->limits);
    timers_deinit(&controller->backoffs);
    waits_destroy(controller->waits);
    capacity_destroy(controller->capacity);
    run_history_destroy(controller->run_history);
    request_ids_destroy(controller->request_ids);
    retention_destroy(controller->retention);
    job_table_destroy(controller->jobs);
    if (controller->events) {
        mailbox_destroy(controller->events);
    }
    if (controller->commands) {
        mailbox_destroy(controller->commands);
    }
    if (controller->wake_fd >= 0) {
        close(controller->wake_fd);
    }
    free(controller);
}
