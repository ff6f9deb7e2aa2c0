/* leftovers: ends what a killed supervisor has left running.
 *
 * Used by   process_execution.c, before it says that an attempt is lost.
 * Shape     the attempt's control group is killed as a whole. Where there was none, every process whose environment
 *           names the attempt (ATTEMPT_VARIABLE) is killed; one that hides from both is not found.
 * Thread    the executor's.      Blocks    while it reads /proc.
 */
#ifndef EXECUTOR_LEFTOVERS_H_
#define EXECUTOR_LEFTOVERS_H_

#include <stdbool.h>

#include "executor/attempt_dir.h"

C_DECLS_BEGIN

/* True when nothing is left; else it was told to end, and is looked for again later. dir_fd -1: it is gone. */
bool leftovers_end(int dir_fd, const struct execution_key *key, const struct supervisor_history *history);
/* Removes the empty control group of an attempt, if there is one. */
void leftovers_remove_cgroup(int dir_fd, const char *key);

C_DECLS_END

#endif /* EXECUTOR_LEFTOVERS_H_ */
