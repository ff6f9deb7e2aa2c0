/* process_events: what an attempt's history says, as events for the sink.
 *
 * Used by   process_execution.c.
 * Thread    the executor's; the sink is called on it.      Blocks    on the disk, for the last lines of an error output.
 */
#ifndef EXECUTOR_PROCESS_EVENTS_H_
#define EXECUTOR_PROCESS_EVENTS_H_

#include "executor/process_execution.h"

C_DECLS_BEGIN

/* STARTED, when the history has it and it was not told. */
void process_tell_progress(struct process_execution *execution, const struct supervisor_history *history);
/* EXITED or START_FAILED; false when the history has no end. dir_fd may be -1. */
bool process_tell_end(struct process_execution *execution, int dir_fd, const struct supervisor_history *history);
/* START_FAILED or NOT_LAUNCHED of an attempt that was never launched. */
void process_tell_void(struct process_execution *execution);
void process_tell_lost(struct process_execution *execution, const struct supervisor_history *history);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_EVENTS_H_ */
