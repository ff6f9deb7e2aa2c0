/* executor_simulate: replicas that are no processes, for tests of clients, for rehearsals and for benches.
 *
 * Used by   server/main_simulation.c; job/simulation.c, which steps it; tests.
 * Shape     what becomes of a replica is decided when it is started (simulate_scenario.h): it starts, prints, and ends by
 *           itself, or when it is stopped. Keeps its log lines in memory, bounded.
 *           After a server restart an execution it was asked to adopt is NOT_LAUNCHED; when it is then started with the time
 *           from which it ran, it goes on as if nothing had been, and has its log again.
 * Clock     the system's, and a thread of its own that waits for it. Or any clock, is_stepped, and no thread: then whoever
 *           owns the time calls executor_simulate_step, and the events of one step are told in it, in one order.
 * Thread, Errors  as executor.h; the step functions are the owner's of the time.
 */
#ifndef EXECUTOR_EXECUTOR_SIMULATE_H_
#define EXECUTOR_EXECUTOR_SIMULATE_H_

#include "executor/executor.h"
#include "executor/simulate_scenario.h"

C_DECLS_BEGIN

struct executor_simulate_options {
    int64_t duration_ms; /* of a replica of which nothing else is said; 0: ends at once after STARTED */
    const struct clock *clock;
    const struct simulate_scenario *scenario; /* NULL: no rules; must outlive the executor */
    bool is_stepped;
};

MUST_USE int executor_simulate_create(const struct executor_simulate_options *options, struct execution_sink sink,
                                      struct executor **ret_executor, struct err *err);

/* Does what is asked for and due. False: there was nothing to do. */
bool executor_simulate_step(struct executor *executor);
/* When there is something to do, by the clock's monotonic time: 0 at once, INT64_MAX never as things are. */
int64_t executor_simulate_next_mono_ns(struct executor *executor);

C_DECLS_END

#endif /* EXECUTOR_EXECUTOR_SIMULATE_H_ */
