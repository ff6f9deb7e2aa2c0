/* attempt_limits: which of the limits in an attempt's conf the supervisor could not put on the replica.
 *
 * Used by   process_events.c.
 * Shape     what conf asks against the lines "CONTROLLER PATH" of the file "cgroup" (supervisor/limits.h).
 * Thread    any.      Blocks    on the disk, for two small files.
 */
#ifndef EXECUTOR_ATTEMPT_LIMITS_H_
#define EXECUTOR_ATTEMPT_LIMITS_H_

#include <stdbool.h>

#include "executor/executor.h"

C_DECLS_BEGIN

/* True: *ret_what is "memory", "memory, processors" …, at most what_bytes with its NUL. False: nothing is, or it cannot be
 * told. */
bool attempt_limits_missing(int attempts_fd, const struct execution_key *key, char *ret_what, size_t what_bytes);

C_DECLS_END

#endif /* EXECUTOR_ATTEMPT_LIMITS_H_ */
