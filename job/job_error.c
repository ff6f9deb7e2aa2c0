#include "job/job_error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

#define MIB UINT64_C(1048576)
/* What a shell says for a process that a signal ended; real jobs report that number too. */
#define SIGNAL_STATUS_BASE 128
/* What a container runtime says when it cannot start the program. */
#define START_FAILED_STATUS 128

/* The length of the UTF-8 sequence at text, 0 when there is none that is valid within size. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    static const struct {
        unsigned char first, last, second_first, second_last, length;
    } rows[] = {{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = rows[i].length;

        if (text[0] < rows[i].first || text[0] > rows[i].last) {
            continue;
        }
        if (length > size || (length > 1 && (text[1] < rows[i].second_first || text[1] > rows[i].second_last))) {
            return 0;
        }
        for (size_t k = 2; k < length; k++) {
            if ((text[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
    return 0;
}

void text_make_utf8(char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t length = utf8_length((const unsigned char *)text + i, size - i);

        if (length == 0) {
            text[i] = '?';
            length = 1;
        }
        i += length;
    }
}

static PRINTF_LIKE(2, 3) struct job_error make(int32_t code, const char *format, ...)
{
    struct job_error error = {code, NULL};
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vasprintf(&error.message, format, arguments);
    va_end(arguments);
    if (size < 0) {
        error.message = NULL;
    } else {
        text_make_utf8(error.message, (size_t)size);
    }
    return error;
}

/* "3600s", "1.5s": as a Duration is written in JSON. */
static const char *duration_text(int64_t ns, char text[40])
{
    int size = snprintf(text, 40, "%" PRId64 ".%09" PRId64, ns / CLOCK_NS_PER_S, ns % CLOCK_NS_PER_S);

    while (size > 1 && text[size - 1] == '0') {
        size--;
    }
    if (text[size - 1] == '.') {
        size--;
    }
    memcpy(text + size, "s", 2);
    return text;
}

/* "", or which try it was. */
static const char *attempt_text(const struct execution_key *key, char text[96])
{
    text[0] = '\0';
    if (key->job_attempt > 1 || key->restart > 0) {
        snprintf(text, 96, "\nThis was attempt %u of the job and restart %u of the replica.", key->job_attempt,
                 key->restart);
    }
    return text;
}

static struct job_error of_exit(const struct execution_event *event, const char *replica, const char *job_name)
{
    int status = event->term_signal != 0 ? SIGNAL_STATUS_BASE + event->term_signal : event->exit_code;
    const char *abbreviation = event->term_signal != 0 ? sigabbrev_np(event->term_signal) : NULL;
    char signal_text[48] = "", attempt[96], memory_text[96] = "";
    struct span tail = event->stderr_tail;
    struct job_error error;
    char *tail_text;

    if (event->term_signal != 0) {
        snprintf(signal_text, sizeof signal_text, " (signal %d, SIG%s)", event->term_signal,
                 abbreviation ? abbreviation : "?");
    }
    if (event->oom_killed && event->peak_memory_bytes > 0) {
        snprintf(memory_text, sizeof memory_text, "ran out of memory (a process of it had %" PRIu64 " MiB) and ",
                 event->peak_memory_bytes / MIB);
    } else if (event->oom_killed) {
        snprintf(memory_text, sizeof memory_text, "ran out of memory and ");
    }
    if (tail.size > LIMIT_ERROR_TAIL_BYTES) {
        tail = span_skip(tail, tail.size - LIMIT_ERROR_TAIL_BYTES);
    }
    while (tail.size > 0 && (tail.data[tail.size - 1] == '\n' || tail.data[tail.size - 1] == '\0')) {
        tail.size--;
    }
    tail_text = malloc(tail.size + 1);
    if (!tail_text) {
        return (struct job_error){JOB_ERROR_REPLICA, NULL};
    }
    if (tail.size > 0) {
        memcpy(tail_text, tail.data, tail.size);
    }
    tail_text[tail.size] = '\0';
    text_make_utf8(tail_text, tail.size);
    error = make(JOB_ERROR_REPLICA,
                 "The replica %s %sexited with a non-zero status of %d%s. Termination reason: %s. %s%s%s\n"
                 "To find out more about why your job exited please check the logs: customjob logs %s",
                 replica, memory_text, status, signal_text, event->oom_killed ? "OOMKilled" : "Error",
                 tail.size > 0 ? "\n" : "", tail_text, attempt_text(&event->key, attempt), job_name);
    free(tail_text);
    return error;
}

static struct job_error of_start(const struct execution_event *event, const char *replica, const char *job_name)
{
    const char *message = event->message ? event->message : "";
    char attempt[96];

    if (event->is_host_fault) {
        return make(JOB_ERROR_UNKNOWN,
                    "Internal error occurred for the current attempt: the replica %s could not be started. %.*s%s",
                    replica, LIMIT_ERROR_TAIL_BYTES, message, attempt_text(&event->key, attempt));
    }
    return make(JOB_ERROR_REPLICA,
                "The replica %s exited with a non-zero status of %d. Termination reason: StartError. \n"
                "Termination log message: %.*s%s\n"
                "To find out more about why your job exited please check the logs: customjob logs %s",
                replica, event->exit_code > 0 ? event->exit_code : START_FAILED_STATUS, LIMIT_ERROR_TAIL_BYTES, message,
                attempt_text(&event->key, attempt), job_name);
}

struct job_error job_error_of_replica(const struct execution_event *event, const char *job_name)
{
    const char *message = event->message ? event->message : "";
    char replica[40], attempt[96];

    snprintf(replica, sizeof replica, "workerpool%u-%u", event->key.pool_index, event->key.replica_index);
    switch (event->kind) {
    case EXECUTION_EVENT_START_FAILED:
        return of_start(event, replica, job_name);
    case EXECUTION_EVENT_LOST:
        return make(JOB_ERROR_UNKNOWN, "The replica %s has ended, exit status unknown.%s%.*s%s", replica,
                    message[0] ? " " : "", LIMIT_ERROR_TAIL_BYTES, message, attempt_text(&event->key, attempt));
    default:
        return of_exit(event, replica, job_name);
    }
}

struct job_error job_error_cancelled(void)
{
    return make(JOB_ERROR_CANCELLED, "CANCELED: the job was canceled on request.");
}

struct job_error job_error_timeout(int64_t timeout_ns)
{
    char text[40];

    return make(JOB_ERROR_CANCELLED,
                "CANCELED: the job was canceled because it ran longer than its scheduling.timeout of %s.",
                duration_text(timeout_ns, text));
}

struct job_error job_error_wait(int64_t wait_ns)
{
    char text[40];

    return make(JOB_ERROR_DEADLINE,
                "The job waited for its resources longer than its scheduling.max_wait_duration of %s.",
                duration_text(wait_ns, text));
}

struct job_error job_error_too_large(uint32_t replica_count, uint32_t replicas_max)
{
    return make(JOB_ERROR_EXHAUSTED,
                "The job has %u replicas, but this server now runs at most %u at once (--max-replicas).", replica_count,
                replicas_max);
}

struct job_error job_error_never_fits(void)
{
    return make(JOB_ERROR_EXHAUSTED, "The job asks for more than this host now has for replicas (--capacity strict).");
}

struct job_error job_error_of(const struct err *err)
{
    return make(err->code == ERR_INVALID ? JOB_ERROR_REPLICA : JOB_ERROR_UNKNOWN, "The job cannot be started: %s",
                err->text);
}

struct job_error job_error_no_record(void)
{
    return make(JOB_ERROR_UNKNOWN, "The server found no record of the job's replicas, exit status unknown.");
}
