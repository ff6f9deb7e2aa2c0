/* simulate_task: durations, exit codes and signals of simulated replicas, as labels and scenario files write them.
 *
 * Used by   simulate_scenario.c; job/simulation_file.c.
 * Shape     a duration is a number with at most nine decimals and a unit, "1.5s", "200ms", "10m", "1h", "7d", up to a year;
 *           an exit code is 0 to 255; a signal is its number or its name in any case, "9", "SIGKILL", "kill".
 * Errors    ERR_INVALID names the text and what is expected.
 */
#ifndef EXECUTOR_SIMULATE_TASK_H_
#define EXECUTOR_SIMULATE_TASK_H_

#include "executor/executor.h"

C_DECLS_BEGIN

#define SIMULATE_SIGNAL_KILL 9

/* "" and NULL: default_ns. */
MUST_USE int simulate_task_duration(const char *text, int64_t default_ns, int64_t *ret_ns, struct err *err);
/* "" and NULL: 0. */
MUST_USE int simulate_task_exit_code(const char *text, int *ret_code, struct err *err);
MUST_USE int simulate_task_signal(const char *text, int *ret_signal, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_SIMULATE_TASK_H_ */
