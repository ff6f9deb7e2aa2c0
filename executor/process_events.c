#include "executor/process_events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "executor/attempt_limits.h"
#include "executor/process_identity.h"
#include "executor/service_log.h"

static void tell(struct process_execution *execution, struct execution_event event)
{
    const struct process_host *host = execution->host;

    event.key = execution->key;
    if (event.time_unix_ns == 0) {
        event.time_unix_ns = clock_wall_unix_ns(host->config->clock);
    }
    if (!event.message) {
        event.message = "";
    }
    host->sink.event(host->sink.context, &event);
}

/* What the replica should be held to and is not, as far as its supervisor could tell. Said by the first one of a job. */
static void tell_unlimited(const struct process_execution *execution)
{
    const struct process_config *config = execution->host->config;
    const struct execution_key *key = &execution->key;
    char what[48], line[256];

    if (key->job_attempt > 1 || key->pool_index > 0 || key->replica_index > 0 || key->restart > 0 ||
        !attempt_limits_missing(config->attempts_fd, key, what, sizeof what)) {
        return;
    }
    (void)snprintf(line, sizeof line,
                   "Replicas are not held to their %s: this host lets no control groups be made for it.", what);
    service_log_append(config, key->job_id, clock_wall_unix_ns(config->clock), line);
}

void process_tell_progress(struct process_execution *execution, const struct supervisor_history *history)
{
    if (history->has_run && !execution->told_started) {
        execution->told_started = true;
        tell_unlimited(execution);
        tell(execution, (struct execution_event){.kind = EXECUTION_EVENT_STARTED,
                                                 .time_unix_ns = history->run.time_unix_ns,
                                                 .pid = history->run.of.run.pid});
    }
}

/* All but the exec itself is done with what this host has: a user, a mount, a limit; the exec too may lack memory. */
static bool is_host_fault(const struct supervisor_exec_failed *exec)
{
    switch (exec->error_number) {
    case 0: /* what the image says cannot be had there: supervisor/user.h */
        return false;
    case ENOMEM:
    case EAGAIN:
    case ENFILE:
    case EMFILE:
    case EIO:
        return true;
    default:
        return strncmp(exec->what, "execve ", strlen("execve ")) != 0;
    }
}

static void tell_exec_failed(struct process_execution *execution, const struct supervisor_event *failed)
{
    const struct supervisor_exec_failed *exec = &failed->of.exec_failed;
    const char *error = exec->error_number != 0 ? strerrordesc_np(exec->error_number) : NULL;
    char message[sizeof exec->what + 128];

    (void)snprintf(message, sizeof message, "The program could not be run: %s%s%s.", exec->what, error ? ": " : "",
                   error ? error : "");
    tell(execution, (struct execution_event){.kind = EXECUTION_EVENT_START_FAILED,
                                             .time_unix_ns = failed->time_unix_ns,
                                             .is_host_fault = is_host_fault(exec),
                                             .message = message});
}

bool process_tell_end(struct process_execution *execution, int dir_fd, const struct supervisor_history *history)
{
    const struct supervisor_exit *end = &history->exit.of.exit;
    char tail[LIMIT_ERROR_TAIL_BYTES];

    if (history->has_exit) {
        tell(execution,
             (struct execution_event){
                 .kind = EXECUTION_EVENT_EXITED,
                 .time_unix_ns = history->exit.time_unix_ns,
                 .exit_code = end->exit_code,
                 .term_signal = (int)end->term_signal,
                 .oom_killed = end->oom_killed,
                 .cpu_time_us = (int64_t)(end->utime_us + end->stime_us),
                 .peak_memory_bytes = end->maxrss_kb * 1024,
                 .stderr_tail = span_make(tail, dir_fd >= 0 ? attempt_stderr_tail(execution->host->config->keys, dir_fd,
                                                                                  &execution->key, tail, sizeof tail)
                                                            : 0)});
        return true;
    }
    if (history->has_exec_failed) {
        tell_exec_failed(execution, &history->exec_failed);
        return true;
    }
    return false;
}

void process_tell_void(struct process_execution *execution)
{
    char message[PROCESS_READY_BYTES + 64];

    if (execution->adopting) {
        tell(execution, (struct execution_event){.kind = EXECUTION_EVENT_NOT_LAUNCHED});
        return;
    }
    (void)snprintf(message, sizeof message, "The replica was not launched: %s.",
                   execution->reason[0] ? execution->reason : "its supervisor ended before that");
    tell(execution, (struct execution_event){.kind = EXECUTION_EVENT_START_FAILED,
                                             .is_host_fault = !execution->asked_for_it,
                                             .message = message});
}

void process_tell_lost(struct process_execution *execution, const struct supervisor_history *history)
{
    const char *message = "Its supervisor was killed.";

    if (history->unreadable) {
        message = "What its supervisor wrote down cannot be read.";
    } else if (!history->has_launch) {
        message = "Its files were removed while it ran.";
    } else if (!process_is_of_this_boot(history->launch.of.launch.boot_id)) {
        message = "The host went down while it ran.";
    }
    tell(execution, (struct execution_event){.kind = EXECUTION_EVENT_LOST, .message = message});
}
