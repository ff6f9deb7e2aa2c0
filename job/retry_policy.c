#include "job/retry_policy.h"

#include <signal.h>
#include <stddef.h>

static const struct {
    uint32_t restarts_max;
    uint32_t job_retries_max;
} limits[] = {
    /* clang-format off */
    [FAILURE_PROGRAM] = {0, 0},
    [FAILURE_MEMORY]  = {0, 0},
    [FAILURE_CRASH]   = {0, 3},
    [FAILURE_KILLED]  = {5, 3},
    [FAILURE_HOST]    = {0, 2},
    /* clang-format on */
};
_Static_assert(sizeof limits / sizeof limits[0] == FAILURE_COUNT, "one row per failure");

/* Exit codes by which a program, or the shell around it, tells SIGABRT and SIGSEGV. */
static bool tells_crash(int exit_code)
{
    static const int codes[] = {SIGABRT, SIGSEGV, 128 + SIGABRT, 128 + SIGSEGV};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (exit_code == codes[i]) {
            return true;
        }
    }
    return false;
}

static enum failure failure_of_signal(int term_signal)
{
    switch (term_signal) {
    case SIGABRT:
    case SIGSEGV:
        return FAILURE_CRASH;
    /* What a program does, or asked for, itself. */
    case SIGILL:
    case SIGTRAP:
    case SIGBUS:
    case SIGFPE:
    case SIGSYS:
    case SIGPIPE:
    case SIGALRM:
    case SIGVTALRM:
    case SIGPROF:
    case SIGXCPU:
    case SIGXFSZ:
        return FAILURE_PROGRAM;
    default:
        return FAILURE_KILLED;
    }
}

enum failure failure_of(const struct execution_event *event)
{
    if (event->kind == EXECUTION_EVENT_LOST) {
        return FAILURE_HOST;
    }
    if (event->kind == EXECUTION_EVENT_START_FAILED) {
        return event->is_host_fault ? FAILURE_HOST : FAILURE_PROGRAM;
    }
    if (event->oom_killed) {
        return FAILURE_MEMORY;
    }
    if (event->term_signal != 0) {
        return failure_of_signal(event->term_signal);
    }
    return tells_crash(event->exit_code) ? FAILURE_CRASH : FAILURE_PROGRAM;
}

enum retry retry_decide(const struct retry_rules *rules, enum failure failure, uint32_t restart, uint32_t job_attempt)
{
    if (rules->disable_retries) {
        return RETRY_NOTHING;
    }
    if (restart < limits[failure].restarts_max && !rules->restart_job_on_worker_restart) {
        return RETRY_REPLICA;
    }
    return job_attempt <= limits[failure].job_retries_max ? RETRY_JOB : RETRY_NOTHING;
}

uint32_t retry_restarts_max(enum failure failure)
{
    return limits[failure].restarts_max;
}

uint32_t retry_job_retries_max(enum failure failure)
{
    return limits[failure].job_retries_max;
}

int64_t retry_delay_ns(uint32_t number)
{
    int64_t delay = CLOCK_NS_PER_S;

    if (number <= 1) {
        return 0;
    }
    for (uint32_t i = 2; i < number && delay < RETRY_DELAY_NS_MAX; i++) {
        delay *= 2;
    }
    return delay < RETRY_DELAY_NS_MAX ? delay : RETRY_DELAY_NS_MAX;
}
