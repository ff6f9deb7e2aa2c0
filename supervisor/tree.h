/* tree: all processes that came of the replica's main one, and the end of them.
 *
 * Used by   main.c, actions.c.
 * Shape     the supervisor is their subreaper: who loses its parent becomes the supervisor's child. Together with the
 *           control group, where there is one, nothing gets away but what may leave that group.
 * Promise   tree_is_empty after the main process was reaped means that nothing is left.
 */
#ifndef SUPERVISOR_TREE_H_
#define SUPERVISOR_TREE_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/cgroup.h"
#include "supervisor/limits.h"

struct tree {
    struct cgroup cgroup;
    struct limits limits;
    bool childless; /* the last wait found no child */
    bool clearing;  /* the main process is gone; what is reaped now was left over */
    uint32_t orphans_killed;
};

/* SIGKILL to all there are now; those that were just being made need another call. */
void tree_kill(struct tree *tree);
/* Reaps all that can be reaped. True when main_pid was among them, with its wait status. */
bool tree_reap(struct tree *tree, pid_t main_pid, int *ret_main_status);
bool tree_is_empty(const struct tree *tree);

#endif /* SUPERVISOR_TREE_H_ */
