/* supervisor_spawn: starts the supervisor of one attempt.
 *
 * Used by   process_execution.c.
 * Shape     posix_spawn, so that a large server starts one as fast as a small one. The child finds default signals, an
 *           empty environment, / as its directory and no descriptor of the server but the ready pipe.
 * Thread    the executor's.      Blocks    until the exec, well under a millisecond.
 * Errors    ERR_IO or ERR_EXHAUSTED; then nothing was started.
 */
#ifndef EXECUTOR_SUPERVISOR_SPAWN_H_
#define EXECUTOR_SUPERVISOR_SPAWN_H_

#include <sys/types.h>

#include "base/err.h"

C_DECLS_BEGIN

/* *ret_ready_fd: not blocking; what the supervisor says about the launch (supervisor_wire.h), then its end. */
MUST_USE int supervisor_spawn(const char *program, const char *dir, pid_t *ret_pid, int *ret_ready_fd, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_SUPERVISOR_SPAWN_H_ */
