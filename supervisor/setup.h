/* setup: everything that stands before the launch, and the launch itself.
 *
 * Used by   main.c.
 * Promise   the lock is held before anything is written; the launch is on disk before there is a process; a launch
 *           found on disk is never followed by a second one.
 * Errors    what the program exits with (enum supervisor_exit_code), 0 for success; *failure then tells why.
 */
#ifndef SUPERVISOR_SETUP_H_
#define SUPERVISOR_SETUP_H_

#include "supervisor/actions.h"

/* Leaves what was inherited behind: session, signals, descriptors (but *ready_fd, which moves), umask. */
int setup_process(int *ready_fd, struct failure *failure);
/* Lock, configuration, event file, socket, logs; then the launch, written and synced, and the process. */
int setup_replica(struct supervisor *supervisor, const char *dir, int ready_fd, struct failure *failure);

#endif /* SUPERVISOR_SETUP_H_ */
