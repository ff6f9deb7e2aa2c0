#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/mounts.h"

#if defined(__SANITIZE_THREAD__)
#define FORK_ONLY 1 /* its runtime must know of every fork */
#else
#define FORK_ONLY 0
#endif

uint64_t child_start_time_ticks(pid_t pid)
{
    char path[40], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    /* Field 2 is the program's name and may hold blanks and parentheses; field 3 follows the last one. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

/* Makes the process right within its control group where the kernel can; else it joins by itself. */
static pid_t make_process(int cgroup_fd, bool *ret_joined)
{
    *ret_joined = false;
    if (!FORK_ONLY && cgroup_fd >= 0) {
        struct clone_args arguments = {
            .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)cgroup_fd};
        long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
        if (pid >= 0) {
            *ret_joined = true;
            return (pid_t)pid;
        }
    }
    return fork();
}

static void join_cgroup(int cgroup_fd)
{
    int fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "0", 1) != 1) {
        /* The subreaper's loop then is what ends the tree. */
    }
    close(fd);
}

static int set_descriptors(const struct child_plan *plan, struct failure *failure)
{
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0)
        return failure_set(failure, errno, "open /dev/null");
    if (dup2(null_fd, 0) < 0 || dup2(plan->output_fds[0], 1) < 0 || dup2(plan->output_fds[1], 2) < 0)
        return failure_set(failure, errno, "set up standard streams");
    /* The pipes are opened anew by programs that write to /dev/stdout, under their own user. */
    if (plan->conf->has_user &&
        (fchown(1, plan->conf->uid, plan->conf->gid) != 0 || fchown(2, plan->conf->uid, plan->conf->gid) != 0))
        return failure_set(failure, errno, "give the output pipes to uid %lu", (unsigned long)plan->conf->uid);
    return 0;
}

static int become_user(const struct conf *conf, struct failure *failure)
{
    /* Capabilities that a server was given to keep across an exec are not for its jobs; kernels before 4.3 have none. */
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (!conf->has_user)
        return 0;
    if (setgroups(conf->group_count, conf->groups) != 0)
        return failure_set(failure, errno, "set the supplementary groups");
    if (setresgid(conf->gid, conf->gid, conf->gid) != 0)
        return failure_set(failure, errno, "become gid %lu", (unsigned long)conf->gid);
    if (setresuid(conf->uid, conf->uid, conf->uid) != 0)
        return failure_set(failure, errno, "become uid %lu", (unsigned long)conf->uid);
    return 0;
}

/* After the change of user, which would clear it. Whoever was orphaned before it took effect ends here. */
static int die_with_parent(pid_t supervisor, struct failure *failure)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return failure_set(failure, errno, "ask to die with the supervisor");
    if (getppid() != supervisor)
        _exit(127);
    return 0;
}

static int enter_workdir(const struct child_plan *plan, struct failure *failure)
{
    const char *workdir = plan->conf->workdir;
    if (workdir ? chdir(workdir) != 0 : fchdir(plan->dir_fd) != 0)
        return failure_set(failure, errno, "enter %.100s", workdir ? workdir : "the attempt directory");
    return 0;
}

/* A server raises this limit for itself; programs that select() or go through all descriptors suffer from a large one. */
static int limit_open_files(const struct conf *conf, struct failure *failure)
{
    struct rlimit limit;
    if (conf->open_files == 0)
        return 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return failure_set(failure, errno, "get the limit of open files");
    limit.rlim_cur = conf->open_files < limit.rlim_max ? conf->open_files : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return failure_set(failure, errno, "set the limit of open files");
    return 0;
}

/* What a server ignores or blocks would be ignored or blocked in the job: both outlive fork and exec. Asked of the
 * kernel itself, since libc keeps two signals to itself, and its posix_spawn leaves just those ignored. */
static void reset_signals(void)
{
    static const unsigned long default_action[4]; /* the kernel's struct sigaction, all zero */
    for (int number = 1; number <= SIGRTMAX; number++)
        (void)syscall(SYS_rt_sigaction, number, default_action, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* One try of the exec; returns only when it failed. */
static int exec_at(const char *dir, size_t dir_length, const struct conf *conf)
{
    char path[PATH_MAX];
    const char *name = conf->argv[0];
    int size = snprintf(path, sizeof path, "%.*s/%s", (int)dir_length, dir, name);
    if (size < 0 || (size_t)size >= sizeof path)
        return ENAMETOOLONG;
    execve(path, conf->argv, conf->env);
    return errno;
}

static const char *find_path(char *const *env)
{
    for (; *env; env++) {
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

/* Looks a name without a slash up in PATH; "permission denied" anywhere beats "not found" at the end. */
static int exec_program(const struct conf *conf)
{
    const char *name = conf->argv[0];
    if (strchr(name, '/')) {
        execve(name, conf->argv, conf->env);
        return errno;
    }
    if (name[0] == '\0')
        return ENOENT;
    int result = ENOENT;
    for (const char *dir = find_path(conf->env);;) {
        size_t length = strcspn(dir, ":");
        int error = length > 0 ? exec_at(dir, length, conf) : exec_at(".", 1, conf);
        if (error == EACCES)
            result = EACCES;
        else if (error != ENOENT && error != ENOTDIR)
            return error;
        if (dir[length] == '\0')
            return result;
        dir += length + 1;
    }
}

static void run_child(const struct child_plan *plan, pid_t supervisor, bool joined, struct failure *failure)
{
    const struct conf *conf = plan->conf;
    (void)setsid();
    if (!joined && plan->cgroup_fd >= 0)
        join_cgroup(plan->cgroup_fd);
    limits_join(plan->limits);
    if (set_descriptors(plan, failure) != 0 || mounts_enter(conf, failure) != 0)
        return;
    if (conf->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        (void)failure_set(failure, errno, "give up new privileges");
        return;
    }
    if (become_user(conf, failure) != 0 || die_with_parent(supervisor, failure) != 0 ||
        enter_workdir(plan, failure) != 0 || limit_open_files(conf, failure) != 0)
        return;
    (void)umask(022);
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) {
        /* An older kernel or a filter of calls. All descriptors were made so; this is for those nobody knows of. */
    }
    reset_signals();
    int error = exec_program(conf);
    (void)failure_set(failure, error, "execve %s", conf->argv[0]);
}

int child_spawn(const struct child_plan *plan, struct child *ret_child, struct failure *failure)
{
    int report[2];
    bool joined = false;
    pid_t supervisor = getpid();
    if (pipe2(report, O_CLOEXEC) != 0)
        return failure_set(failure, errno, "make the report pipe");
    pid_t pid = make_process(plan->cgroup_fd, &joined);
    if (pid == 0) {
        struct failure child_failure;
        memset(&child_failure, 0, sizeof child_failure);
        run_child(plan, supervisor, joined, &child_failure);
        if (write(report[1], &child_failure, sizeof child_failure) < 0)
            _exit(126);
        _exit(127);
    }
    int error = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        return failure_set(failure, error, "fork");
    }
    ret_child->pid = pid;
    ret_child->start_time_ticks = child_start_time_ticks(pid);
    ret_child->report_fd = report[0];
    return 0;
}

bool child_runs(int report_fd, struct failure *failure)
{
    ssize_t got;
    do {
        got = read(report_fd, failure, sizeof *failure);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return true;
    if (got != (ssize_t)sizeof *failure)
        (void)failure_set(failure, got < 0 ? errno : EPROTO, "read the report of the process");
    failure->what[FAILURE_WHAT_BYTES - 1] = '\0';
    return false;
}
