/* run_history: what the jobs that have run tell of those that wait: how long such a one takes, what its owner has had.
 *
 * Used by   schedule.c asks, job_life.c notes; reconcile.c fills it again at a start.
 * Shape     a table of RUN_HISTORY_SLOTS kinds of job and as many owners, by hash; a new one takes the place of an old one
 *           that falls into the same slot. What is forgotten is not known, which the policies take.
 *           A forecast is a mean that forgets: half of it is the last run. What an owner has used halves each
 *           RUN_HISTORY_HALF_LIFE_NS.
 * Owns      itself.      Thread    one.      Blocks    never.      Units    ns; usage in thousandths of the host times ns.
 * Errors    ERR_EXHAUSTED: memory.
 */
#ifndef JOB_RUN_HISTORY_H_
#define JOB_RUN_HISTORY_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

#define RUN_HISTORY_SLOTS 4096
#define RUN_HISTORY_HALF_LIFE_NS INT64_C(86400000000000)

struct run_history;

struct past_run {
    uint64_t kind;  /* jobs of one kind are expected to take as long */
    uint64_t owner; /* 0: nobody's */
    uint32_t part;  /* of the host, in thousandths */
    int64_t start_unix_ns;
    int64_t end_unix_ns;
    bool has_succeeded; /* what failed or was cancelled tells nothing of how long a job takes */
};

MUST_USE int run_history_create(struct run_history **ret_history, struct err *err);
/* NULL is allowed. */
void run_history_destroy(struct run_history *history);
/* In the order of their ends, or about so. */
void run_history_note(struct run_history *history, const struct past_run *run);
/* INT64_MAX: none of that kind has run. */
int64_t run_history_forecast(const struct run_history *history, uint64_t kind);
double run_history_usage(const struct run_history *history, uint64_t owner, int64_t now_unix_ns);

C_DECLS_END

#endif /* JOB_RUN_HISTORY_H_ */
