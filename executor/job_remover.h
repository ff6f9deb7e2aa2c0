/* job_remover: removes the files of jobs, on a thread of its own, since a tree may be large.
 *
 * Used by   process_thread.c.
 * Shape     jobs one after the other. What cannot be removed now is tried again, ever less often, until it is; REMOVED is
 *           told then and not before, and REMOVE_DELAYED with the reason when it does not go for seconds.
 * Thread    add: one; the sink is called on the remover's own.      Blocks    destroy, for one file.
 */
#ifndef EXECUTOR_JOB_REMOVER_H_
#define EXECUTOR_JOB_REMOVER_H_

#include "executor/process_config.h"

C_DECLS_BEGIN

struct job_remover;

MUST_USE int job_remover_create(const struct process_config *config, struct execution_sink sink,
                                struct job_remover **ret_remover, struct err *err);
/* What was not removed stays. */
void job_remover_destroy(struct job_remover *remover);
void job_remover_add(struct job_remover *remover, uint64_t job_id);

C_DECLS_END

#endif /* EXECUTOR_JOB_REMOVER_H_ */
