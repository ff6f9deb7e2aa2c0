#include "supervisor/actions.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

typedef void (*action_fn)(struct supervisor *supervisor);

static void record(struct supervisor *supervisor, struct supervisor_event *event)
{
    events_add(&supervisor->events, event);
}

static void nothing(struct supervisor *supervisor)
{
    (void)supervisor;
}

static void record_run(struct supervisor *supervisor)
{
    struct supervisor_event event = {.kind = SUPERVISOR_EVENT_RUN};
    event.of.run.pid = supervisor->child.pid;
    event.of.run.start_time_ticks = supervisor->child.start_time_ticks;
    record(supervisor, &event);
}

static void record_exec_failed(struct supervisor *supervisor)
{
    struct supervisor_event event = {.kind = SUPERVISOR_EVENT_EXEC_FAILED};
    event.of.exec_failed.error_number = supervisor->failure.error_number;
    _Static_assert(sizeof event.of.exec_failed.what == sizeof supervisor->failure.what, "one size");
    memcpy(event.of.exec_failed.what, supervisor->failure.what, sizeof event.of.exec_failed.what);
    record(supervisor, &event);
    tree_kill(&supervisor->tree);
}

static void record_stop(struct supervisor *supervisor)
{
    struct supervisor_event event = {.kind = SUPERVISOR_EVENT_STOP};
    event.of.stop_grace_ms = supervisor->grace_ms;
    record(supervisor, &event);
}

static void record_kill(struct supervisor *supervisor)
{
    struct supervisor_event event = {.kind = SUPERVISOR_EVENT_KILL};
    record(supervisor, &event);
}

/* To the main process alone, as Docker and kubelets do. It was not reaped, so the pid is its own. */
static void terminate(struct supervisor *supervisor)
{
    supervisor->stopped = true;
    (void)kill(supervisor->child.pid, SIGTERM);
    struct itimerspec grace;
    memset(&grace, 0, sizeof grace);
    grace.it_value.tv_sec = supervisor->grace_ms / 1000;
    grace.it_value.tv_nsec = (long)(supervisor->grace_ms % 1000) * 1000000;
    if (supervisor->grace_ms == 0)
        grace.it_value.tv_nsec = 1; /* zero would disarm it */
    (void)timerfd_settime(supervisor->grace_timer_fd, 0, &grace, NULL);
}

static void begin_stop(struct supervisor *supervisor)
{
    record_stop(supervisor);
    terminate(supervisor);
}

/* The run comes first in the file, though the stop was first in time. */
static void run_stopped(struct supervisor *supervisor)
{
    record_run(supervisor);
    record_stop(supervisor);
}

static void kill_tree(struct supervisor *supervisor)
{
    tree_kill(&supervisor->tree);
}

static void begin_kill(struct supervisor *supervisor)
{
    record_kill(supervisor);
    kill_tree(supervisor);
}

static void clear(struct supervisor *supervisor)
{
    supervisor->tree.clearing = true;
    kill_tree(supervisor);
}

static uint64_t to_us(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static void record_exit(struct supervisor *supervisor)
{
    struct supervisor_event event = {.kind = SUPERVISOR_EVENT_EXIT};
    struct supervisor_exit *end = &event.of.exit;
    int status = supervisor->main_status;
    end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->term_signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
    end->stopped = supervisor->stopped;
    end->oom_killed = cgroup_oom_killed(&supervisor->tree.cgroup) || limits_oom_killed(&supervisor->tree.limits) ||
                      (supervisor->conf.cgroup_of_engine && limits_own_oom_killed());
    end->orphans_killed = supervisor->tree.orphans_killed;
    struct rusage usage;
    if (getrusage(RUSAGE_CHILDREN, &usage) == 0) {
        end->utime_us = to_us(&usage.ru_utime);
        end->stime_us = to_us(&usage.ru_stime);
        end->maxrss_kb = (uint64_t)usage.ru_maxrss;
    }
    logs_finish(&supervisor->logs); /* before the end is told, so that who hears of it finds all output */
    record(supervisor, &event);
    limits_remove(&supervisor->tree.limits);
    cgroup_remove(&supervisor->tree.cgroup);
}

static void end_failed(struct supervisor *supervisor)
{
    logs_finish(&supervisor->logs);
    limits_remove(&supervisor->tree.limits);
    cgroup_remove(&supervisor->tree.cgroup);
}

struct cell {
    action_fn act;
    enum state next;
};

/* Before the main process's exit is handled its exec always is, so a launching one does not exit; a tree is empty only
 * after its main process went. Such cells are "nothing" and stay. */
#define STAY(state)    \
    {                  \
        nothing, state \
    }
static const struct cell cells[][HAPPENING_COUNT] =
    {
        [STATE_LAUNCHING] =
            {
                [HAPPENED_EXEC] = {record_run, STATE_RUNNING},
                [HAPPENED_EXEC_FAILED] = {record_exec_failed, STATE_FAILING},
                [HAPPENED_STOP] = {terminate, STATE_LAUNCHING_STOPPED},
                [HAPPENED_GRACE_OVER] = STAY(STATE_LAUNCHING),
                [HAPPENED_MAIN_EXITED] = STAY(STATE_LAUNCHING),
                [HAPPENED_TREE_EMPTY] = STAY(STATE_LAUNCHING),
            },
        [STATE_LAUNCHING_STOPPED] =
            {
                [HAPPENED_EXEC] = {run_stopped, STATE_STOPPING},
                [HAPPENED_EXEC_FAILED] = {record_exec_failed, STATE_FAILING},
                [HAPPENED_STOP] = STAY(STATE_LAUNCHING_STOPPED),
                [HAPPENED_GRACE_OVER] = {kill_tree, STATE_LAUNCHING_STOPPED},
                [HAPPENED_MAIN_EXITED] = STAY(STATE_LAUNCHING_STOPPED),
                [HAPPENED_TREE_EMPTY] = STAY(STATE_LAUNCHING_STOPPED),
            },
        [STATE_RUNNING] =
            {
                [HAPPENED_EXEC] = STAY(STATE_RUNNING),
                [HAPPENED_EXEC_FAILED] = STAY(STATE_RUNNING),
                [HAPPENED_STOP] = {begin_stop, STATE_STOPPING},
                [HAPPENED_GRACE_OVER] = STAY(STATE_RUNNING),
                [HAPPENED_MAIN_EXITED] = {clear, STATE_CLEARING},
                [HAPPENED_TREE_EMPTY] = STAY(STATE_RUNNING),
            },
        [STATE_STOPPING] =
            {
                [HAPPENED_EXEC] = STAY(STATE_STOPPING),
                [HAPPENED_EXEC_FAILED] = STAY(STATE_STOPPING),
                [HAPPENED_STOP] = STAY(STATE_STOPPING),
                [HAPPENED_GRACE_OVER] = {begin_kill, STATE_KILLING},
                [HAPPENED_MAIN_EXITED] = {clear, STATE_CLEARING},
                [HAPPENED_TREE_EMPTY] = STAY(STATE_STOPPING),
            },
        [STATE_KILLING] =
            {
                [HAPPENED_EXEC] = STAY(STATE_KILLING),
                [HAPPENED_EXEC_FAILED] = STAY(STATE_KILLING),
                [HAPPENED_STOP] = STAY(STATE_KILLING),
                [HAPPENED_GRACE_OVER] = STAY(STATE_KILLING),
                [HAPPENED_MAIN_EXITED] = {clear, STATE_CLEARING},
                [HAPPENED_TREE_EMPTY] = STAY(STATE_KILLING),
            },
        [STATE_CLEARING] =
            {
                [HAPPENED_EXEC] = STAY(STATE_CLEARING),
                [HAPPENED_EXEC_FAILED] = STAY(STATE_CLEARING),
                [HAPPENED_STOP] = STAY(STATE_CLEARING),
                [HAPPENED_GRACE_OVER] = STAY(STATE_CLEARING),
                [HAPPENED_MAIN_EXITED] = STAY(STATE_CLEARING),
                [HAPPENED_TREE_EMPTY] = {record_exit, STATE_ENDED},
            },
        [STATE_FAILING] =
            {
                [HAPPENED_EXEC] = STAY(STATE_FAILING),
                [HAPPENED_EXEC_FAILED] = STAY(STATE_FAILING),
                [HAPPENED_STOP] = STAY(STATE_FAILING),
                [HAPPENED_GRACE_OVER] = STAY(STATE_FAILING),
                [HAPPENED_MAIN_EXITED] = STAY(STATE_FAILING),
                [HAPPENED_TREE_EMPTY] = {end_failed, STATE_ENDED},
            },
        [STATE_ENDED] =
            {
                [HAPPENED_EXEC] = STAY(STATE_ENDED),
                [HAPPENED_EXEC_FAILED] = STAY(STATE_ENDED),
                [HAPPENED_STOP] = STAY(STATE_ENDED),
                [HAPPENED_GRACE_OVER] = STAY(STATE_ENDED),
                [HAPPENED_MAIN_EXITED] = STAY(STATE_ENDED),
                [HAPPENED_TREE_EMPTY] = STAY(STATE_ENDED),
            },
};
_Static_assert(sizeof cells / sizeof cells[0] == STATE_COUNT, "every state has its row");

void supervisor_handle(struct supervisor *supervisor, enum happening happening)
{
    const struct cell *cell = &cells[supervisor->state][happening];
    supervisor->state = cell->next;
    cell->act(supervisor);
}
