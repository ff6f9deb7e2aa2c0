#include "executor/process_execution.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "executor/attempt_files.h"
#include "executor/leftovers.h"
#include "executor/process_events.h"
#include "executor/process_identity.h"
#include "executor/supervisor_link.h"
#include "executor/supervisor_spawn.h"

/* A supervisor that says neither yes nor no for so long is watched by its lock. */
#define READY_MS_MAX 10000

static void look_again_later(struct process_execution *execution)
{
    process_timer_back_off(&execution->host->timers, &execution->timer);
}

/* ---- its descriptor ---- */

/* Closing alone would not take it out of the epoll set: a child that is just being spawned holds a copy of it until its
 * exec has come that far, and the set would go on to report an execution that may be freed. */
static void close_fd(struct process_execution *execution)
{
    if (execution->fd >= 0) {
        (void)epoll_ctl(execution->host->epoll_fd, EPOLL_CTL_DEL, execution->fd, NULL);
        close(execution->fd);
        execution->fd = -1;
    }
}

/* False: there is no descriptor now; somebody else has to say when to look. */
static bool watch_fd(struct process_execution *execution, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = execution};

    execution->fd = fd;
    if (epoll_ctl(execution->host->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        close_fd(execution);
    }
    return execution->fd >= 0;
}

/* ---- life ---- */

int process_execution_create(struct process_host *host, const struct execution_key *key, struct task *task,
                             const char **module_argv, struct process_execution **ret_execution, struct err *err)
{
    struct process_execution *execution = calloc(1, sizeof *execution);

    if (!execution) {
        free(task);
        free(module_argv);
        return err_set(err, ERR_EXHAUSTED, "no memory for an execution");
    }
    execution->key = *key;
    execution->host = host;
    execution->adopting = !task;
    execution->task = task;
    execution->module_argv = module_argv;
    execution->fd = -1;
    process_timer_init(&execution->timer);
    *ret_execution = execution;
    return 0;
}

static void drop_task(struct process_execution *execution)
{
    free(execution->module_argv);
    execution->module_argv = NULL;
    free(execution->task);
    execution->task = NULL;
}

void process_execution_destroy(struct process_execution *execution)
{
    process_timer_clear(&execution->host->timers, &execution->timer);
    close_fd(execution);
    drop_task(execution);
    free(execution);
}

static void reap(struct process_execution *execution)
{
    /* An error means that somebody else reaps, or that nobody has to. */
    if (execution->child_pid > 0 && waitpid(execution->child_pid, NULL, WNOHANG) != 0) {
        execution->child_pid = 0;
    }
}

static void end(struct process_execution *execution)
{
    execution->phase = PROCESS_ENDED;
    close_fd(execution);
    drop_task(execution);
    process_timer_clear(&execution->host->timers, &execution->timer);
    reap(execution);
    if (execution->child_pid > 0) {
        process_timer_reset(&execution->timer);
        look_again_later(execution);
    }
}

bool process_execution_is_done(const struct process_execution *execution)
{
    return execution->phase == PROCESS_ENDED && execution->child_pid == 0;
}

/* ---- looking ---- */

/* True: that was the end. */
static bool tell_news(struct process_execution *execution, int dir_fd, const struct supervisor_history *history)
{
    execution->launched = execution->launched || history->has_launch || history->unreadable;
    process_tell_progress(execution, history);
    if (!process_tell_end(execution, dir_fd, history)) {
        return false;
    }
    if (execution->host->backend) {
        execution->host->backend->forget(execution->host->backend->context, &execution->key);
    }
    end(execution);
    return true;
}

/* A supervisor that does not answer, for whatever reason, still knows a signal. */
static void stop_by_signal(const struct process_execution *execution, const struct supervisor_history *history)
{
    const struct supervisor_launch *launch = &history->launch.of.launch;

    if (execution->stop_wanted && process_timer_is_slow(&execution->timer) && history->has_launch &&
        process_is_of_this_boot(launch->boot_id)) {
        process_signal(launch->pid, launch->start_time_ticks, SIGTERM);
    }
}

static void watch(struct process_execution *execution, int dir_fd, const struct supervisor_history *history)
{
    int fd = supervisor_link_open(dir_fd, history->last_seq);

    if (fd >= 0 && execution->stop_wanted && !supervisor_link_stop(fd, execution->stop_grace_ms)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0 || !watch_fd(execution, fd)) {
        stop_by_signal(execution, history);
        look_again_later(execution);
        return;
    }
    process_timer_reset(&execution->timer);
}

/* True: it is asked for, or will be; the conclusion has to wait. */
static bool clear_first(struct process_execution *execution)
{
    const struct process_backend *backend = execution->host->backend;
    struct err ignored = ERR_INIT;

    if (!backend || execution->cleared) {
        return false;
    }
    if (backend->clear(backend->context, &execution->key, &ignored) == 0) {
        execution->phase = PROCESS_CLEARING;
    } else {
        look_again_later(execution);
    }
    return true;
}

static void conclude_free(struct process_execution *execution, int dir_fd, const struct supervisor_history *history)
{
    bool host_went_down = history->has_launch && !process_is_of_this_boot(history->launch.of.launch.boot_id);

    if (clear_first(execution)) {
        return;
    }
    if (host_went_down || leftovers_end(dir_fd, &execution->key, history)) {
        process_tell_lost(execution, history);
        end(execution);
    } else {
        look_again_later(execution);
    }
}

static void conclude(struct process_execution *execution, int dir_fd, enum attempt_finding finding,
                     const struct supervisor_history *history)
{
    if (tell_news(execution, dir_fd, history)) {
        return;
    }
    switch (finding) {
    case ATTEMPT_HELD:
        watch(execution, dir_fd, history);
        break;
    case ATTEMPT_FREE:
        conclude_free(execution, dir_fd, history);
        break;
    case ATTEMPT_VOID:
        /* What would find the attempt void must be gone before somebody may launch it again. */
        if (!execution->adopting || !clear_first(execution)) {
            process_tell_void(execution);
            end(execution);
        }
        break;
    }
}

/* Lock and file decide; what cannot be read now is looked at again, never guessed. */
static void examine(struct process_execution *execution)
{
    enum attempt_finding finding = execution->launched ? ATTEMPT_FREE : ATTEMPT_VOID; /* where there is nothing */
    struct supervisor_history history = {0};
    struct err err = ERR_INIT;
    int dir_fd = -1;

    execution->phase = PROCESS_WATCHED;
    close_fd(execution);
    process_timer_clear(&execution->host->timers, &execution->timer);
    reap(execution);
    if (attempt_open(execution->host->config->attempts_fd, &execution->key, &dir_fd, &err) != 0 ||
        (dir_fd >= 0 && attempt_examine(dir_fd, &finding, &history, &err) != 0)) {
        look_again_later(execution);
    } else {
        if (finding == ATTEMPT_VOID && execution->launched) {
            finding = ATTEMPT_FREE; /* its files are not those that were seen */
        }
        conclude(execution, dir_fd, finding, &history);
    }
    if (dir_fd >= 0) {
        close(dir_fd);
    }
}

/* While the supervisor lives the lock has nothing to say. */
static void read_news(struct process_execution *execution)
{
    struct supervisor_history history;
    struct err err = ERR_INIT;
    int dir_fd = -1;

    if (attempt_open(execution->host->config->attempts_fd, &execution->key, &dir_fd, &err) != 0 || dir_fd < 0 ||
        attempt_read_history(dir_fd, &history, &err) != 0) {
        look_again_later(execution);
    } else {
        (void)tell_news(execution, dir_fd, &history);
    }
    if (dir_fd >= 0) {
        close(dir_fd);
    }
}

/* ---- what happens ---- */

void process_execution_adopt(struct process_execution *execution)
{
    examine(execution);
}

static void set_reason(struct process_execution *execution, const char *reason)
{
    (void)snprintf(execution->reason, sizeof execution->reason, "%.*s", PROCESS_READY_BYTES - 1, reason);
}

/* True: the files are complete, from now or from before, and nobody has launched. */
static bool fill(struct process_execution *execution, int dir_fd, struct err *err)
{
    enum attempt_finding finding;
    struct supervisor_history history;
    const struct task *task = execution->task;

    if (attempt_examine(dir_fd, &finding, &history, err) != 0) {
        return false;
    }
    if (finding != ATTEMPT_VOID) { /* asked for before: it is only watched */
        execution->phase = PROCESS_WATCHED;
        conclude(execution, dir_fd, finding, &history);
        return false;
    }
    if (execution->host->backend) {
        return true;
    }
    return attempt_fill(execution->host->config, dir_fd, task,
                        execution->module_argv ? execution->module_argv : task->argv, err) == 0;
}

bool process_execution_prepare(struct process_execution *execution)
{
    struct err err = ERR_INIT;
    bool prepared = false;
    int dir_fd = -1;

    if (attempt_make(execution->host->config, &execution->key, &dir_fd, &err) == 0) {
        prepared = fill(execution, dir_fd, &err);
        close(dir_fd);
    }
    if (err.code != ERR_NONE) {
        set_reason(execution, err.text);
        examine(execution);
    }
    return prepared;
}

static void launch_by_backend(struct process_execution *execution, struct err *err)
{
    const struct process_backend *backend = execution->host->backend;
    struct task *task = execution->task;
    const char **module_argv = execution->module_argv;

    execution->task = NULL;
    execution->module_argv = NULL;
    if (backend->launch(backend->context, &execution->key, task, module_argv, err) == 0) {
        execution->phase = PROCESS_LAUNCHING;
    }
}

void process_execution_spawn(struct process_execution *execution, const struct err *refusal)
{
    const struct process_config *config = execution->host->config;
    char path[ATTEMPT_PATH_BYTES], *dir = NULL;
    struct err err = ERR_INIT;
    int ready_fd = -1;

    if (execution->phase != PROCESS_PREPARED) {
        return; /* stopped since */
    }
    attempt_path(&execution->key, path);
    if (refusal) {
        err = *refusal;
    } else if (execution->host->backend) {
        launch_by_backend(execution, &err);
    } else if (asprintf(&dir, "%s/%s", config->attempts_dir, path) < 0) {
        dir = NULL;
        err_set(&err, ERR_EXHAUSTED, "no memory for a path");
    } else if (supervisor_spawn(config->supervisor_path, dir, &execution->child_pid, &ready_fd, &err) == 0) {
        execution->phase = PROCESS_LAUNCHING;
        drop_task(execution);
        process_timer_set(&execution->host->timers, &execution->timer,
                          watch_fd(execution, ready_fd) ? READY_MS_MAX : PROCESS_BACKOFF_MS_FIRST);
    }
    free(dir);
    if (err.code != ERR_NONE) {
        set_reason(execution, err.text);
        examine(execution);
    }
}

void process_execution_stop(struct process_execution *execution, int64_t grace_ms)
{
    uint32_t grace = grace_ms < 0 ? 0 : grace_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)grace_ms;

    if (execution->phase == PROCESS_ENDED) {
        return;
    }
    execution->stop_wanted = true;
    execution->stop_grace_ms = grace;
    if (execution->phase == PROCESS_PREPARED) {
        set_reason(execution, "it was stopped before that");
        examine(execution);
    } else if (execution->phase == PROCESS_LAUNCHING && execution->host->backend) {
        execution->host->backend->cancel(execution->host->backend->context, &execution->key);
    } else if (execution->phase == PROCESS_WATCHED && execution->fd >= 0 &&
               !supervisor_link_stop(execution->fd, grace)) {
        examine(execution);
    }
}

void process_execution_launched(struct process_execution *execution, const char *reason, bool asked_for_it)
{
    if (execution->phase != PROCESS_LAUNCHING) {
        return;
    }
    execution->launched = execution->launched || !reason;
    execution->asked_for_it = asked_for_it;
    if (reason) {
        set_reason(execution, reason);
    }
    examine(execution);
}

void process_execution_cleared(struct process_execution *execution)
{
    if (execution->phase == PROCESS_CLEARING) {
        execution->cleared = true;
        examine(execution);
    }
}

/* All the supervisor had to say before the launch; its end or "ok". */
static void read_ready(struct process_execution *execution)
{
    char *reason = execution->reason;

    for (;;) {
        size_t room = sizeof execution->reason - 1 - execution->reason_bytes;
        ssize_t got = read(execution->fd, reason + execution->reason_bytes, room);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            break;
        }
        execution->reason_bytes += (size_t)got;
    }
    reason[execution->reason_bytes] = '\0';
    if (strcmp(reason, SUPERVISOR_READY) == 0) {
        execution->launched = true;
        reason[0] = '\0';
    } else {
        reason[strcspn(reason, "\n")] = '\0';
    }
    examine(execution);
}

void process_execution_readable(struct process_execution *execution)
{
    if (execution->fd < 0) {
        return;
    }
    if (execution->phase == PROCESS_LAUNCHING) {
        read_ready(execution);
        return;
    }
    switch (supervisor_link_read(execution->fd)) {
    case SUPERVISOR_LINK_QUIET:
        break;
    case SUPERVISOR_LINK_EVENT:
        read_news(execution);
        break;
    case SUPERVISOR_LINK_CLOSED:
        examine(execution);
        break;
    }
}

void process_execution_due(struct process_execution *execution)
{
    process_timer_clear(&execution->host->timers, &execution->timer);
    if (execution->phase != PROCESS_ENDED) {
        examine(execution);
        return;
    }
    reap(execution);
    if (execution->child_pid > 0) {
        look_again_later(execution);
    }
}
