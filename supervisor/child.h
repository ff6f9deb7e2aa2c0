/* child: makes the replica's main process and turns it into the program asked for.
 *
 * Used by   main.c.
 * Shape     the process reports a step that failed through a pipe that the exec closes: its end without a word means
 *           that the program runs.
 * Promise   the program finds: descriptors 0, 1, 2 and no other, every signal at its default and unblocked, a session
 *           of its own, umask 022, the limits that
 *           conf tells, no way to more privileges unless conf allows it. It is killed when its supervisor
 *           dies.
 * Source    docs/execution.md.
 */
#ifndef SUPERVISOR_CHILD_H_
#define SUPERVISOR_CHILD_H_

#include <stdint.h>
#include <sys/types.h>

#include "supervisor/conf.h"
#include "supervisor/failure.h"

struct child_plan {
    const struct conf *conf;
    int dir_fd;    /* working directory when conf names none */
    int cgroup_fd; /* -1: none */
    const struct limits *limits;
    int output_fds[2]; /* stdout, stderr */
};

struct child {
    pid_t pid;
    uint64_t start_time_ticks;
    int report_fd; /* readable: a struct failure, or its end */
};

int child_spawn(const struct child_plan *plan, struct child *ret_child, struct failure *failure);
/* Reads the report, which must be readable. True: the program runs; else *failure tells why it does not. */
bool child_runs(int report_fd, struct failure *failure);
/* Field 22 of /proc/<pid>/stat; 0 when it cannot be read. */
uint64_t child_start_time_ticks(pid_t pid);

#endif /* SUPERVISOR_CHILD_H_ */
