#include "supervisor/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's list of this thread's children; who dies leaves its own children to us, so the next call sees them.
 * Their pids are safe to signal: a child keeps its pid until it is reaped, and only tree_reap reaps. */
static void kill_children(void)
{
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    char bytes[4096];
    pid_t pid = 0;
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] >= '0' && bytes[i] <= '9') {
                pid = pid * 10 + (bytes[i] - '0');
            } else {
                if (pid > 1)
                    (void)kill(pid, SIGKILL);
                pid = 0;
            }
        }
    }
    close(fd);
}

void tree_kill(struct tree *tree)
{
    cgroup_kill(&tree->cgroup);
    kill_children();
}

bool tree_reap(struct tree *tree, pid_t main_pid, int *ret_main_status)
{
    bool main_ended = false;
    tree->childless = false;
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            tree->childless = errno == ECHILD;
        if (pid <= 0)
            break;
        if (pid == main_pid) {
            *ret_main_status = status;
            main_ended = true;
        } else if (tree->clearing && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
            tree->orphans_killed++;
        }
    }
    return main_ended;
}

bool tree_is_empty(const struct tree *tree)
{
    return tree->childless && cgroup_is_empty(&tree->cgroup);
}
