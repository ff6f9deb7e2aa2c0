/* executor_simulate: replicas that end by themselves and are no processes, for benches and client tests.
 *
 * Used by   server/main.c, tests.
 * Shape     a replica starts at once and ends after task.simulate_duration (default options.duration_ms) with
 *           task.simulate_exit_code (default 0). Stop ends it at once with SIGTERM. Keeps its log lines in memory, bounded.
 *           After a server restart an execution it was asked to adopt is NOT_LAUNCHED: it is simply simulated again.
 * Thread, Errors  as executor.h.
 */
#ifndef EXECUTOR_EXECUTOR_SIMULATE_H_
#define EXECUTOR_EXECUTOR_SIMULATE_H_

#include "executor/executor.h"

C_DECLS_BEGIN

struct executor_simulate_options {
    int64_t duration_ms; /* of a replica that names none; 0: ends at once after STARTED */
    const struct clock *clock;
};

MUST_USE int executor_simulate_create(const struct executor_simulate_options *options, struct execution_sink sink,
                                      struct executor **ret_executor, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_EXECUTOR_SIMULATE_H_ */
