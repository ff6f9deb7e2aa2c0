/* simulate_task: what the labels of a simulated job ask for.
 *
 * Used by   executor_simulate.c.
 * Shape     a duration is a number with at most nine decimals and a unit, "1.5s", "200ms", "10m", "1h", up to a year; an
 *           exit code is 0 to 255.
 * Errors    ERR_INVALID names the text and what is expected.
 */
#ifndef EXECUTOR_SIMULATE_TASK_H_
#define EXECUTOR_SIMULATE_TASK_H_

#include "executor/executor.h"

C_DECLS_BEGIN

/* "" and NULL: default_ns. */
MUST_USE int simulate_task_duration(const char *text, int64_t default_ns, int64_t *ret_ns, struct err *err);
/* "" and NULL: 0. */
MUST_USE int simulate_task_exit_code(const char *text, int *ret_code, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_SIMULATE_TASK_H_ */
