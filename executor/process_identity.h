/* process_identity: whether a process written down earlier is still that one.
 *
 * Used by   attempt_dir.c, leftovers.c, process_execution.c.
 * Shape     a process is (boot id, pid, start time): pids come again within seconds. One that ended and was not
 *           reaped does not count as alive.
 * Thread    any.      Blocks    never.
 * Source    docs/execution.md.
 */
#ifndef EXECUTOR_PROCESS_IDENTITY_H_
#define EXECUTOR_PROCESS_IDENTITY_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

C_DECLS_BEGIN

/* True also while this boot's id cannot be read: nothing is taken for dead that may live. */
bool process_is_of_this_boot(const char *boot_id);
bool process_is_alive(pid_t pid, uint64_t start_time_ticks);
/* Only if it is that process. */
void process_signal(pid_t pid, uint64_t start_time_ticks, int signal_number);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_IDENTITY_H_ */
