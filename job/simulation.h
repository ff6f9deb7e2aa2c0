/* simulation: the owner of time and order in a server that only simulates: a clock that stands still, and is advanced.
 *
 * Used by   server/main_simulation.c makes it, in place of controller_start; simulation_service.c asks it to advance.
 * Shape     one thread makes the controller's turns and the executor's steps, in turn, until neither has anything to do;
 *           then time may go on, and goes to the next moment at which something is due, and no further. So whatever
 *           happens in a week that was asked for happens at its own time, one thing after the other, and the same
 *           commands and advances make the same history.
 * Owns      the controller's thread; a simulation_advance while it is submitted. Controller, executor and clock are made
 *           and destroyed by others.
 * Thread    simulation_submit and simulation_hurry from any; the rest from the one that made it. advance.done is called
 *           on the simulation's thread and must not block.
 * Errors    what ends a controller ends this: options.fatal is told.
 */
#ifndef JOB_SIMULATION_H_
#define JOB_SIMULATION_H_

#include "base/virtual_clock.h"
#include "job/controller.h"

C_DECLS_BEGIN

/* Advances that wait for their turn. */
#define SIMULATION_ADVANCES_MAX 64

struct simulation_advance {
    struct mail mail; /* first */
    int64_t by_ns;    /* not below 0; it is made whole microseconds */
    /* err: why the clock stands where it does, and not where it was to go; NULL: it is there. */
    void (*done)(struct simulation_advance *advance, int64_t now_unix_ns, const struct err *err);
};

struct simulation_options {
    struct controller *controller;
    struct executor *executor; /* of executor_simulate_create, is_stepped, by this clock */
    struct virtual_clock *clock;
    /* Before the clock goes to this moment, or to any on the way: what must not go back after a restart is noted. Failing
     * keeps it from going. NULL: nobody wants to know. */
    int (*note_time)(void *context, int64_t unix_ns, struct err *err);
    void (*fatal)(void *context, const struct err *err); /* as the controller's */
    void *context;
};

struct simulation;

/* Attaches the controller to the executor and begins. */
MUST_USE int simulation_start(const struct simulation_options *options, struct simulation **ret_simulation,
                              struct err *err);
/* ERR_INVALID when time does not go so far, ERR_EXHAUSTED when too many wait, ERR_UNAVAILABLE when stopping: then the
 * advance is still the caller's. */
MUST_USE int simulation_submit(struct simulation *simulation, struct simulation_advance *advance, struct err *err);
/* Ends every advance, where the clock is then, and refuses new ones. */
void simulation_hurry(struct simulation *simulation);
/* Stops the controller, on its thread, and ends it. NULL is allowed. */
void simulation_destroy(struct simulation *simulation);

C_DECLS_END

#endif /* JOB_SIMULATION_H_ */
