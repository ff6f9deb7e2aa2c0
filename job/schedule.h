/* schedule: which of the queue's first jobs is started next, as the controller's policy says.
 *
 * Used by   admit.c.
 * Shape     the policy sees the first SCHEDULE_WINDOW jobs of the queue, and of what runs SCHEDULE_RUNS_MAX; jobs behind
 *           the window wait until it moves. It is asked again when something has changed: a job came into the window or
 *           left it, resources came free, or SCHEDULE_LOOK_NS have passed, since forecasts and patience run out.
 * Thread    the controller's.
 * Source    schedule_policy.h; docs/execution.md
 */
#ifndef JOB_SCHEDULE_H_
#define JOB_SCHEDULE_H_

#include "job/controller_state.h"
#include "job/schedule_policy.h"

C_DECLS_BEGIN

#define SCHEDULE_WINDOW 64
#define SCHEDULE_RUNS_MAX 1024
#define SCHEDULE_LOOK_NS (10 * CLOCK_NS_PER_S)

/* The job to start now, which fits; NULL: none. */
struct job *schedule_next(struct controller *controller);
/* What jobs are alike for forecasts, and whose they are: into the job. Its ask is known. */
void schedule_read(const struct controller *controller, struct job *job, const API(CustomJob) * msg);
/* One has ended. */
void schedule_note(struct controller *controller, const struct job *job);
/* The newest jobs of the store that have ended, at a start. */
MUST_USE int schedule_recall(struct controller *controller, struct err *err);

C_DECLS_END

#endif /* JOB_SCHEDULE_H_ */
