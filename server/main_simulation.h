/* main_simulation: the wiring of a server that simulates its replicas: clock, rules, executor and who drives them.
 *
 * Used by   main_serve.c.
 * Shape     main_simulation_clock, the executor, then main_simulation_start in place of controller_start where there is a
 *           virtual clock. The data directory remembers how far that has come, so that it never goes back.
 * Owns      what it made, until main_simulation_close.
 * Thread    main.      Blocks    on the disk.
 * Errors    ERR_INVALID names the option; ERR_CORRUPT a clock file that is none; ERR_IO.
 */
#ifndef SERVER_MAIN_SIMULATION_H_
#define SERVER_MAIN_SIMULATION_H_

#include "base/virtual_clock.h"
#include "executor/executor_simulate.h"
#include "job/simulation.h"
#include "job/simulation_file.h"
#include "server/call_faults.h"
#include "server/config.h"
#include "server/services.h"

C_DECLS_BEGIN

#define MAIN_SIMULATION_PATH_BYTES 4096

/* All zero: nothing is simulated. */
struct main_simulation {
    bool is_on;                   /* replicas are simulated */
    bool is_virtual;              /* and time is, too */
    struct simulation_file *file; /* --simulate-scenario; NULL: none */
    struct virtual_clock clock;
    char clock_path[MAIN_SIMULATION_PATH_BYTES];
    struct simulation *simulation;
    struct call_faults *faults; /* NULL: nothing is simulated */
};

/* Where --executor is simulate. The data directory must be there where the clock is virtual. */
MUST_USE int main_simulation_open(const struct config *config, struct main_simulation *simulation, struct err *err);
/* The clock of jobs, and of the store: the first two are one where time is real. */
const struct clock *main_simulation_job_clock(const struct main_simulation *simulation);
const struct clock *main_simulation_store_clock(const struct main_simulation *simulation);

MUST_USE int main_simulation_make_executor(struct main_simulation *simulation, const struct config *config,
                                           struct execution_sink sink, struct executor **ret_executor, struct err *err);
/* Starts the controller: by a simulation, or on its own thread. */
MUST_USE int main_simulation_start(struct main_simulation *simulation, struct controller *controller,
                                   struct executor *executor, void (*fatal)(void *context, const struct err *err),
                                   struct err *err);
/* Calls that wait for the clock are answered, those that are late go on, and no more wait for either. */
void main_simulation_hurry(struct main_simulation *simulation);
/* Stops the controller where a simulation has started it. */
void main_simulation_end(struct main_simulation *simulation);
/* Executor and server are no more. */
void main_simulation_close(struct main_simulation *simulation);

C_DECLS_END

#endif /* SERVER_MAIN_SIMULATION_H_ */
