#include "job/simulation.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "executor/executor_simulate.h"

#define NS_PER_US 1000

struct simulation {
    struct simulation_options options;
    struct mailbox *advances;
    struct simulation_advance stop; /* the mail that wakes the thread up for its end */
    bool hurries;                   /* by __atomic */
    bool stops;                     /* by __atomic */
    pthread_t thread;
    bool has_thread;
    sem_t attached;
    int attach_result;
    struct err attach_err;

    /* the thread's own */
    struct mail *advances_left;
    struct simulation_advance *current;
    int64_t target_unix_ns; /* of the current one */
    struct controller_waits waits;
};

static int64_t now_unix_ns(const struct simulation *simulation)
{
    return clock_wall_unix_ns(&simulation->options.clock->clock);
}

static bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/* ---- a moment ---- */

/* Everything that happens at the present moment. */
static int settle(struct simulation *simulation, struct err *err)
{
    bool has_worked;

    do {
        int64_t ignored;

        if (controller_turn(simulation->options.controller, &ignored, err)) {
            return -1;
        }
        has_worked = executor_simulate_step(simulation->options.executor);
        controller_waits(simulation->options.controller, &simulation->waits);
    } while (has_worked || simulation->waits.job_ns == 0);
    return 0;
}

/* How long from now until something is due. */
static int64_t next_ns(const struct simulation *simulation)
{
    int64_t due = executor_simulate_next_mono_ns(simulation->options.executor);
    int64_t now = clock_mono_ns(&simulation->options.clock->clock);
    int64_t wait = due == INT64_MAX ? INT64_MAX : due - now;

    return wait < simulation->waits.job_ns ? wait : simulation->waits.job_ns;
}

/* ---- advances ---- */

static void finish(struct simulation *simulation, const struct err *err)
{
    struct simulation_advance *advance = simulation->current;

    simulation->current = NULL;
    if (advance->done) {
        advance->done(advance, now_unix_ns(simulation), err);
    }
}

static int begin(struct simulation *simulation, struct err *err)
{
    int64_t by_ns = simulation->current->by_ns;
    int64_t now = now_unix_ns(simulation);

    if (by_ns < 0 || by_ns > VIRTUAL_CLOCK_UNIX_NS_MAX - now) {
        return err_set(err, ERR_INVALID, "a virtual clock goes forward, and to the end of the year 2199 at most");
    }
    simulation->target_unix_ns = now + (by_ns + NS_PER_US - 1) / NS_PER_US * NS_PER_US;
    if (simulation->options.note_time && by_ns > 0) {
        return simulation->options.note_time(simulation->options.context, simulation->target_unix_ns, err);
    }
    return 0;
}

/* The next one is the current one, if there is any. */
static void take_advance(struct simulation *simulation)
{
    struct err err = ERR_INIT;

    if (!simulation->advances_left) {
        simulation->advances_left = mailbox_drain(simulation->advances);
    }
    if (!simulation->advances_left) {
        return;
    }
    simulation->current = (struct simulation_advance *)simulation->advances_left;
    simulation->advances_left = simulation->current->mail.next;
    if (begin(simulation, &err)) {
        finish(simulation, &err);
    }
}

static void end_advances(struct simulation *simulation)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_UNAVAILABLE, "the server is stopping, and its clock with it");
    if (simulation->current) {
        finish(simulation, &err);
    }
    while (simulation->advances_left || (simulation->advances_left = mailbox_drain(simulation->advances))) {
        simulation->current = (struct simulation_advance *)simulation->advances_left;
        simulation->advances_left = simulation->current->mail.next;
        finish(simulation, &err);
    }
}

/* All of this moment has happened: time goes on, to the next one or to the end of the advance. */
static void move(struct simulation *simulation)
{
    int64_t left = simulation->target_unix_ns - now_unix_ns(simulation);
    int64_t next = next_ns(simulation);

    if (left == 0) {
        finish(simulation, NULL);
    } else {
        virtual_clock_move(simulation->options.clock, next < left ? next : left);
    }
}

/* ---- the thread ---- */

static int run_until_stopped(struct simulation *simulation, struct err *err)
{
    while (!is_set(&simulation->stops)) {
        if (settle(simulation, err)) {
            return -1;
        }
        if (is_set(&simulation->hurries)) {
            end_advances(simulation);
        }
        if (!simulation->current) {
            take_advance(simulation);
        }
        if (simulation->current) {
            move(simulation);
        } else if (!simulation->advances_left && !is_set(&simulation->stops)) {
            /* Whoever stops us says so before his mail comes, which end_advances may have taken since. */
            controller_wait(simulation->options.controller, simulation->waits.real_ns,
                            mailbox_fd(simulation->advances));
        }
    }
    return 0;
}

static void *run(void *context)
{
    struct simulation *simulation = context;
    struct controller *controller = simulation->options.controller;
    struct err err = ERR_INIT;

    pthread_setname_np(pthread_self(), "simulation");
    simulation->attach_result = controller_attach(controller, simulation->options.executor, &simulation->attach_err);
    sem_post(&simulation->attached);
    if (simulation->attach_result) {
        return NULL;
    }
    if (run_until_stopped(simulation, &err)) {
        simulation->options.fatal(simulation->options.context, &err);
    } else {
        controller_stop(controller);
    }
    end_advances(simulation);
    return NULL;
}

/* ---- life ---- */

static int start_thread(struct simulation *simulation, struct err *err)
{
    int result = pthread_create(&simulation->thread, NULL, run, simulation);

    if (result != 0) {
        return err_set_errno(err, result, "cannot make the simulation's thread");
    }
    simulation->has_thread = true;
    while (sem_wait(&simulation->attached) != 0) {
    }
    if (simulation->attach_result) {
        *err = simulation->attach_err;
    }
    return simulation->attach_result;
}

int simulation_start(const struct simulation_options *options, struct simulation **ret_simulation, struct err *err)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);

    if (!simulation) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a simulation");
    }
    simulation->options = *options;
    sem_init(&simulation->attached, 0, 0);
    /* One more, for the stop. */
    if (mailbox_create(SIMULATION_ADVANCES_MAX + 1, &simulation->advances, err) || start_thread(simulation, err)) {
        simulation_destroy(simulation);
        return -1;
    }
    *ret_simulation = simulation;
    return 0;
}

int simulation_submit(struct simulation *simulation, struct simulation_advance *advance, struct err *err)
{
    switch (is_set(&simulation->hurries) ? MAILBOX_CLOSED : mailbox_push(simulation->advances, &advance->mail)) {
    case MAILBOX_PUSHED:
        return 0;
    case MAILBOX_FULL:
        return err_set(err, ERR_EXHAUSTED, "%d advances of the clock wait already; try again later",
                       SIMULATION_ADVANCES_MAX);
    case MAILBOX_CLOSED:
        break;
    }
    return err_set(err, ERR_UNAVAILABLE, "the server is stopping, and its clock with it");
}

void simulation_hurry(struct simulation *simulation)
{
    __atomic_store_n(&simulation->hurries, true, __ATOMIC_RELEASE);
}

void simulation_destroy(struct simulation *simulation)
{
    if (!simulation) {
        return;
    }
    if (simulation->has_thread) {
        __atomic_store_n(&simulation->hurries, true, __ATOMIC_RELEASE);
        __atomic_store_n(&simulation->stops, true, __ATOMIC_RELEASE);
        /* Refused when it is full: then the thread is at work, and looks by itself. */
        (void)!mailbox_push(simulation->advances, &simulation->stop.mail);
        pthread_join(simulation->thread, NULL);
    }
    if (simulation->advances) {
        mailbox_destroy(simulation->advances);
    }
    sem_destroy(&simulation->attached);
    free(simulation);
}
