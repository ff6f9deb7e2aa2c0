/* cgroup: a control group for the replica alone, so that nothing of it can hide from a kill.
 *
 * Used by   tree.c, child.c (joins it), limits.c.
 * Shape     a leaf below the supervisor's own group in the version 2 hierarchy, wherever that is mounted; its path
 *           is a line of the attempt directory's file "cgroup", for whoever has to clear up after a killed supervisor.
 * Errors    none: where a leaf cannot be made (no cgroup2, no right to it), there is none and dir_fd is -1.
 * Source    docs/execution.md.
 */
#ifndef SUPERVISOR_CGROUP_H_
#define SUPERVISOR_CGROUP_H_

#include <limits.h>
#include <stdbool.h>

struct cgroup {
    int dir_fd; /* of the leaf; -1: there is none */
    char path[PATH_MAX];
};

/* name: of the attempt; the leaf's is made of it and of the supervisor's pid. */
void cgroup_make(struct cgroup *ret_cgroup, int attempt_dir_fd, const char *name);
/* SIGKILL to everything in it, at once where the kernel can. */
void cgroup_kill(const struct cgroup *cgroup);
/* True also when there is none. */
bool cgroup_is_empty(const struct cgroup *cgroup);
bool cgroup_oom_killed(const struct cgroup *cgroup);
void cgroup_remove(struct cgroup *cgroup);

/* ---- for limits.c ---- */
/* The supervisor's own group of version 2. */
bool cgroup_find_own(char path[PATH_MAX]);
/* Appends "/customjob-NAME-PID" to the path of the group that it is to be in. False: there is no room. */
bool cgroup_name_leaf(char path[PATH_MAX], const char *name);
/* What the file holds, as far as it fits, with a NUL, in memory that the next call uses too; NULL when it cannot be read. */
char *cgroup_read_text(int dir_fd, const char *path);
/* The number after "key " at the start of a line; -1 when there is none. */
long long cgroup_read_value(int dir_fd, const char *file, const char *key);

#endif /* SUPERVISOR_CGROUP_H_ */
