/* limits: control groups that hold the replica to its share of processors, memory and processes.
 *
 * Used by   setup.c (makes them), child.c (joins), actions.c (asks, removes).
 * Shape     per controller: where it is mounted by itself (version 1), a leaf below the supervisor's own group there; else
 *           the files of the replica's version 2 leaf, where its parent passes the controller on. Each leaf is a
 *           line "leaf PATH" of the attempt directory's file "cgroup" before it is made, and what is limited a line
 *           "CONTROLLER PATH" once it is.
 * Errors    none: what cannot be limited is not, and has no line. The server reads them and says so.
 * Source    docs/execution.md; the kernel's cgroup-v1 and cgroup-v2 documents.
 */
#ifndef SUPERVISOR_LIMITS_H_
#define SUPERVISOR_LIMITS_H_

#include <stdint.h>

#include "supervisor/cgroup.h"

enum limit { LIMIT_MEMORY, LIMIT_CPU, LIMIT_PIDS, LIMIT_COUNT };

/* 0: none. */
struct limit_amounts {
    uint64_t memory_bytes;
    uint64_t cpus_milli;
    uint64_t pids;
};

struct limits {
    int leaf_fds[LIMIT_COUNT]; /* directories, of version 1; -1: none */
};

/* Before anything else is done with it. */
void limits_init(struct limits *limits);
/* leaf: the replica's of version 2. name: as for cgroup_make. */
void limits_make(struct limits *limits, const struct limit_amounts *amounts, const struct cgroup *leaf,
                 int attempt_dir_fd, const char *name);
/* The calling process, which is the replica before its exec. */
void limits_join(const struct limits *limits);
bool limits_oom_killed(const struct limits *limits);
/* In the supervisor's own group. */
bool limits_own_oom_killed(void);
void limits_remove(struct limits *limits);

#endif /* SUPERVISOR_LIMITS_H_ */
