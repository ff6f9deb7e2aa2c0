#include "supervisor/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "supervisor/supervisor_wire.h"
#include "supervisor/user.h"

#define READY_FD 3

/* A server's terminal, log pipe or listening port must not be held by what outlives it. */
static int leave_descriptors(int *ready_fd, struct failure *failure)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return failure_set(failure, errno, "open /dev/null");
    for (int fd = 0; fd <= 2; fd++) {
        if (null_fd != fd && dup2(null_fd, fd) < 0)
            return failure_set(failure, errno, "set up standard streams");
    }
    int first_to_close = READY_FD;
    if (*ready_fd >= 0) {
        if ((*ready_fd != READY_FD && dup2(*ready_fd, READY_FD) < 0) || fcntl(READY_FD, F_SETFD, FD_CLOEXEC) != 0)
            return failure_set(failure, errno, "take over the ready descriptor");
        *ready_fd = READY_FD;
        first_to_close = READY_FD + 1;
    }
    if (close_range((unsigned)first_to_close, ~0u, 0) != 0) {
        for (int fd = first_to_close; fd < 65536; fd++) /* kernels before 5.9 */
            (void)close(fd);
    }
    return 0;
}

static void watched_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
}

/* Before anything else, so that no SIGTERM is lost, not even by the first process of a container. */
static int set_signals(struct failure *failure)
{
    sigset_t signals;
    watched_signals(&signals);
    if (sigprocmask(SIG_SETMASK, &signals, NULL) != 0)
        return failure_set(failure, errno, "block signals");
    for (int number = 1; number <= SIGRTMAX; number++) {
        /* SIGXFSZ: a log past the limit of file sizes is a write that fails, not the end. */
        bool ignored = number == SIGPIPE || number == SIGHUP || number == SIGXFSZ;
        (void)signal(number, ignored ? SIG_IGN : SIG_DFL);
    }
    return 0;
}

/* Who leads a process group may not make a session; it joins its parent's group first. */
static void make_session(void)
{
    if (setsid() < 0 && getsid(0) != getpid() && setpgid(0, getpgid(getppid())) == 0)
        (void)setsid();
}

int setup_process(int *ready_fd, struct failure *failure)
{
    if (set_signals(failure) != 0 || leave_descriptors(ready_fd, failure) != 0)
        return SUPERVISOR_EXIT_FAILED;
    make_session();
    (void)umask(077);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        (void)failure_set(failure, errno, "become a subreaper");
        return SUPERVISOR_EXIT_FAILED;
    }
    return SUPERVISOR_EXIT_OK;
}

/* The lock file is made with the attempt, never here: whoever declares the attempt void removes it while holding its
 * lock, and from then on no supervisor that was started before can get past this function. */
static int take_lock(int dir_fd, struct failure *failure)
{
    int fd = openat(dir_fd, SUPERVISOR_FILE_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        (void)failure_set(failure, errno, "open lock");
        return failure->error_number == ENOENT ? SUPERVISOR_EXIT_VOID : SUPERVISOR_EXIT_FAILED;
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        (void)failure_set(failure, errno, "take the lock");
        bool held = failure->error_number == EAGAIN || failure->error_number == EACCES;
        return held ? SUPERVISOR_EXIT_BUSY : SUPERVISOR_EXIT_FAILED;
    }
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_nlink == 0) {
        (void)failure_set(failure, 0, "the attempt was declared void");
        return SUPERVISOR_EXIT_VOID;
    }
    return SUPERVISOR_EXIT_OK; /* fd stays open until the process ends: that is the lock */
}

static int open_descriptors(struct supervisor *supervisor, struct failure *failure)
{
    sigset_t signals;
    watched_signals(&signals);
    supervisor->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (supervisor->signal_fd < 0)
        return failure_set(failure, errno, "make a signal descriptor");
    supervisor->grace_timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (supervisor->grace_timer_fd < 0)
        return failure_set(failure, errno, "make a timer");
    return 0;
}

static int read_boot_id(char boot_id[37], struct failure *failure)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failure_set(failure, errno, "open the boot id");
    ssize_t got = read(fd, boot_id, 36);
    close(fd);
    if (got != 36)
        return failure_set(failure, got < 0 ? errno : 0, "read the boot id");
    boot_id[36] = '\0';
    return 0;
}

/* What was told to end before its launch does not launch: then nothing has happened. */
static int refuse_if_told_to_end(struct failure *failure)
{
    sigset_t pending;
    if (sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1))
        return failure_set(failure, 0, "told to end before the launch");
    return 0;
}

static int record_launch(struct supervisor *supervisor, struct failure *failure)
{
    struct supervisor_event event = {.kind = SUPERVISOR_EVENT_LAUNCH};
    event.of.launch.pid = getpid();
    event.of.launch.start_time_ticks = child_start_time_ticks(getpid());
    if (read_boot_id(event.of.launch.boot_id, failure) != 0)
        return -1;
    errno = 0;
    events_add(&supervisor->events, &event);
    if (supervisor->events.written != supervisor->events.count)
        return failure_set(failure, errno, "write the launch");
    if (events_sync(&supervisor->events, supervisor->dir_fd, failure) == 0)
        return 0;
    /* It stands in the file, durable or not: told as what it came to. */
    struct supervisor_event failed = {.kind = SUPERVISOR_EVENT_EXEC_FAILED};
    failed.of.exec_failed.error_number = failure->error_number;
    memcpy(failed.of.exec_failed.what, failure->what, sizeof failed.of.exec_failed.what);
    events_add(&supervisor->events, &failed);
    return -1;
}

static void spawn(struct supervisor *supervisor, const int output_fds[2])
{
    struct child_plan plan = {.conf = &supervisor->conf,
                              .dir_fd = supervisor->dir_fd,
                              .cgroup_fd = supervisor->tree.cgroup.dir_fd,
                              .limits = &supervisor->tree.limits,
                              .output_fds = {output_fds[0], output_fds[1]}};
    if ((supervisor->conf.user[0] && user_find(&supervisor->conf, &supervisor->failure) != 0) ||
        child_spawn(&plan, &supervisor->child, &supervisor->failure) != 0)
        supervisor_handle(supervisor, HAPPENED_EXEC_FAILED);
    close(output_fds[0]);
    close(output_fds[1]);
    conf_forget_strings(&supervisor->conf);
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int prepare(struct supervisor *supervisor, int output_fds[2], struct failure *failure)
{
    bool launched = false;
    if (events_open(supervisor->dir_fd, &supervisor->events, &launched, failure) != 0)
        return SUPERVISOR_EXIT_FAILED;
    if (launched) { /* this first: whatever else is wrong, that there was a launch must be told */
        (void)failure_set(failure, 0, "this attempt was launched before");
        return SUPERVISOR_EXIT_LAUNCHED;
    }
    if (conf_read(supervisor->dir_fd, &supervisor->conf, failure) != 0 ||
        link_open(&supervisor->link, supervisor->dir_fd, failure) != 0 ||
        logs_open(&supervisor->logs, supervisor->dir_fd, &supervisor->conf.logs, output_fds, failure) != 0 ||
        open_descriptors(supervisor, failure) != 0 || refuse_if_told_to_end(failure) != 0)
        return SUPERVISOR_EXIT_FAILED;
    return SUPERVISOR_EXIT_OK;
}

int setup_replica(struct supervisor *supervisor, const char *dir, int ready_fd, struct failure *failure)
{
    supervisor->state = STATE_LAUNCHING;
    supervisor->child.report_fd = -1;
    supervisor->tree.cgroup.dir_fd = -1;
    limits_init(&supervisor->tree.limits);
    supervisor->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (supervisor->dir_fd < 0) {
        (void)failure_set(failure, errno, "open the attempt directory");
        return SUPERVISOR_EXIT_FAILED;
    }
    if (fchdir(supervisor->dir_fd) != 0) { /* wherever the server stood is not held any longer */
        (void)failure_set(failure, errno, "enter the attempt directory");
        return SUPERVISOR_EXIT_FAILED;
    }
    int output_fds[2];
    int code = take_lock(supervisor->dir_fd, failure);
    if (code == SUPERVISOR_EXIT_OK)
        code = prepare(supervisor, output_fds, failure);
    if (code != SUPERVISOR_EXIT_OK)
        return code;
    if (supervisor->conf.cgroup) {
        cgroup_make(&supervisor->tree.cgroup, supervisor->dir_fd, last_component(dir));
        limits_make(&supervisor->tree.limits, &supervisor->conf.limits, &supervisor->tree.cgroup, supervisor->dir_fd,
                    last_component(dir));
    }
    if (record_launch(supervisor, failure) != 0) {
        limits_remove(&supervisor->tree.limits);
        cgroup_remove(&supervisor->tree.cgroup);
        return SUPERVISOR_EXIT_FAILED;
    }
    if (ready_fd >= 0 && write(ready_fd, SUPERVISOR_READY, strlen(SUPERVISOR_READY)) < 0) {
        /* Nobody listens any more; the event file says it too. */
    }
    if (ready_fd >= 0)
        close(ready_fd);
    spawn(supervisor, output_fds);
    return SUPERVISOR_EXIT_OK;
}
