#include "tests/lib/fake_world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test that runs out of memory has failed. */
void *fake_grow(void *items, size_t count, size_t item_size)
{
    items = realloc(items, count * item_size);
    if (!items) {
        abort();
    }
    return items;
}

struct fake_executor *fake_lock(const void *executor)
{
    struct fake_executor *fake = (struct fake_executor *)(uintptr_t)executor;

    pthread_mutex_lock(&fake->mutex);
    return fake;
}

void fake_unlock(struct fake_executor *fake)
{
    pthread_mutex_unlock(&fake->mutex);
}

void fake_record(struct fake_executor *fake, const char *format, ...)
{
    va_list arguments;

    fake->lines = fake_grow(fake->lines, fake->line_count + 1, sizeof(char *));
    va_start(arguments, format);
    if (vasprintf(&fake->lines[fake->line_count++], format, arguments) < 0) {
        abort();
    }
    va_end(arguments);
}

/* False: the server died before this command. */
bool fake_command(struct fake_executor *fake)
{
    return fake->commands++ < fake->commands_max;
}

struct fake_execution *fake_find(const struct fake_executor *fake, const char *text)
{
    for (size_t i = 0; i < fake->execution_count; i++) {
        if (strcmp(fake->executions[i].text, text) == 0) {
            return &fake->executions[i];
        }
    }
    return NULL;
}

void fake_key_text(const struct execution_key *key, char text[EXECUTION_KEY_BYTES])
{
    snprintf(text, EXECUTION_KEY_BYTES, "%" PRIu64 "-%u-workerpool%u-%u-%u", key->job_id, key->job_attempt,
             key->pool_index, key->replica_index, key->restart);
}

struct fake_execution *fake_find_or_add(struct fake_executor *fake, const struct execution_key *key)
{
    char text[EXECUTION_KEY_BYTES];
    struct fake_execution *execution;

    fake_key_text(key, text);
    execution = fake_find(fake, text);
    if (!execution) {
        fake->executions = fake_grow(fake->executions, fake->execution_count + 1, sizeof *execution);
        execution = &fake->executions[fake->execution_count++];
        memset(execution, 0, sizeof *execution);
        execution->key = *key;
        memcpy(execution->text, text, sizeof text);
    }
    return execution;
}

void fake_add_due(struct fake_executor *fake, enum fake_due_kind kind, const struct fake_execution *execution,
                  uint64_t job_id, const char *message)
{
    fake->due = fake_grow(fake->due, fake->due_count + 1, sizeof *fake->due);
    fake->due[fake->due_count++] = (struct fake_due){kind, execution ? (size_t)(execution - fake->executions) : 0,
                                                     job_id, message ? strdup(message) : NULL};
}

void fake_set_files(struct fake_executor *fake, uint64_t job_id, bool present)
{
    for (size_t i = 0; i < fake->file_count; i++) {
        if (fake->files[i].job_id == job_id) {
            fake->files[i].present = present;
            return;
        }
    }
    fake->files = fake_grow(fake->files, fake->file_count + 1, sizeof *fake->files);
    fake->files[fake->file_count++] = (struct fake_files){job_id, present};
}

bool fake_files_present(const struct fake_executor *fake, uint64_t job_id)
{
    for (size_t i = 0; i < fake->file_count; i++) {
        if (fake->files[i].job_id == job_id) {
            return fake->files[i].present;
        }
    }
    return false;
}

/* ---- events ---- */

static void tell(struct fake_executor *fake, const struct fake_execution *execution, enum execution_event_kind kind,
                 const char *message)
{
    struct execution_event event = {.kind = kind, .key = execution->key, .message = message ? message : ""};

    event.time_unix_ns = kind == EXECUTION_EVENT_STARTED ? execution->start_time : execution->end_time;
    if (kind == EXECUTION_EVENT_STARTED) {
        event.pid = 1000 + (execution - fake->executions);
    } else if (kind == EXECUTION_EVENT_EXITED) {
        event.exit_code = execution->exit_code;
        event.term_signal = execution->term_signal;
        event.oom_killed = execution->oom_killed;
        event.stderr_tail = span_of(execution->stderr_tail);
    }
    event.is_host_fault = kind == EXECUTION_EVENT_START_FAILED && fake->fail_by_host;
    fake->sink.event(fake->sink.context, &event);
}

static void end(struct fake_executor *fake, struct fake_execution *execution, enum execution_event_kind kind,
                int exit_code, int term_signal)
{
    if (execution->phase != FAKE_RUNNING) {
        return;
    }
    execution->phase = FAKE_ENDED;
    execution->end_kind = kind;
    execution->exit_code = exit_code;
    execution->term_signal = term_signal;
    execution->end_time = clock_wall_unix_ns(fake->clock);
    if (execution->known) {
        tell(fake, execution, kind, execution->message);
    }
}

static void let_happen(struct fake_executor *fake, const struct fake_due *due)
{
    struct fake_execution *execution = fake->execution_count > 0 ? &fake->executions[due->execution] : NULL;
    struct execution_event removed = {.kind = EXECUTION_EVENT_REMOVED, .key = {.job_id = due->job_id}, .message = ""};

    switch (due->kind) {
    case DUE_STARTED:
        tell(fake, execution, EXECUTION_EVENT_STARTED, "");
        break;
    case DUE_START_FAILED:
        tell(fake, execution, EXECUTION_EVENT_START_FAILED, due->message);
        break;
    case DUE_STOPPED:
        end(fake, execution, EXECUTION_EVENT_EXITED, -1, SIGTERM);
        break;
    case DUE_NOT_LAUNCHED:
        tell(fake, execution, EXECUTION_EVENT_NOT_LAUNCHED, "");
        break;
    case DUE_END_TOLD:
        tell(fake, execution, execution->end_kind, execution->message);
        break;
    case DUE_REMOVED:
        fake_set_files(fake, due->job_id, false);
        fake->sink.event(fake->sink.context, &removed);
        break;
    }
}

size_t fake_executor_settle(struct fake_executor *fake)
{
    size_t count;

    fake_lock(fake);
    count = fake->due_count;
    for (size_t i = 0; i < count; i++) {
        let_happen(fake, &fake->due[i]);
        free(fake->due[i].message);
    }
    fake->due_count = 0;
    fake_unlock(fake);
    return count;
}

/* ---- what the world does by itself ---- */

void fake_executor_exit(struct fake_executor *fake, const char *key, int exit_code, const char *stderr_tail)
{
    struct fake_execution *execution;

    fake_lock(fake);
    execution = fake_find(fake, key);
    if (execution) {
        free(execution->stderr_tail);
        execution->stderr_tail = stderr_tail ? strdup(stderr_tail) : NULL;
        end(fake, execution, EXECUTION_EVENT_EXITED, exit_code, 0);
    }
    fake_unlock(fake);
}

void fake_executor_kill(struct fake_executor *fake, const char *key, int signal_number, bool oom_killed)
{
    struct fake_execution *execution;

    fake_lock(fake);
    execution = fake_find(fake, key);
    if (execution) {
        execution->oom_killed = oom_killed;
        end(fake, execution, EXECUTION_EVENT_EXITED, -1, signal_number);
    }
    fake_unlock(fake);
}

void fake_executor_lose(struct fake_executor *fake, const char *key, const char *message)
{
    struct fake_execution *execution;

    fake_lock(fake);
    execution = fake_find(fake, key);
    if (execution) {
        free(execution->message);
        execution->message = strdup(message);
        end(fake, execution, EXECUTION_EVENT_LOST, 0, 0);
    }
    fake_unlock(fake);
}

void fake_executor_exit_all(struct fake_executor *fake)
{
    fake_lock(fake);
    for (size_t i = 0; i < fake->execution_count; i++) {
        end(fake, &fake->executions[i], EXECUTION_EVENT_EXITED, 0, 0);
    }
    fake_unlock(fake);
}

/* ---- what a test may ask ---- */

const char *fake_executor_line(const struct fake_executor *executor, const char *prefix, size_t index)
{
    struct fake_executor *fake = fake_lock(executor);
    const char *line = NULL;

    for (size_t i = 0; i < fake->line_count && !line; i++) {
        if (strncmp(fake->lines[i], prefix, strlen(prefix)) == 0 && index-- == 0) {
            line = fake->lines[i];
        }
    }
    fake_unlock(fake);
    return line;
}

size_t fake_executor_count(const struct fake_executor *executor, const char *prefix)
{
    struct fake_executor *fake = fake_lock(executor);
    size_t count = 0;

    for (size_t i = 0; i < fake->line_count; i++) {
        count += strncmp(fake->lines[i], prefix, strlen(prefix)) == 0;
    }
    fake_unlock(fake);
    return count;
}

size_t fake_executor_running(const struct fake_executor *executor)
{
    struct fake_executor *fake = fake_lock(executor);
    size_t count = 0;

    for (size_t i = 0; i < fake->execution_count; i++) {
        count += fake->executions[i].phase == FAKE_RUNNING;
    }
    fake_unlock(fake);
    return count;
}

unsigned fake_executor_launches(const struct fake_executor *executor, const char *key)
{
    struct fake_executor *fake = fake_lock(executor);
    const struct fake_execution *execution = fake_find(fake, key);
    unsigned launches = execution ? execution->launches : 0;

    fake_unlock(fake);
    return launches;
}

unsigned fake_executor_launches_max(const struct fake_executor *executor)
{
    struct fake_executor *fake = fake_lock(executor);
    unsigned most = 0;

    for (size_t i = 0; i < fake->execution_count; i++) {
        most = fake->executions[i].launches > most ? fake->executions[i].launches : most;
    }
    fake_unlock(fake);
    return most;
}

unsigned fake_executor_overlaps(const struct fake_executor *executor)
{
    struct fake_executor *fake = fake_lock(executor);
    unsigned overlaps = fake->overlaps;

    fake_unlock(fake);
    return overlaps;
}

size_t fake_executor_addresses_held(const struct fake_executor *executor)
{
    struct fake_executor *fake = fake_lock(executor);
    size_t count = 0;

    for (size_t i = 0; i < fake->address_count; i++) {
        count += fake->addresses[i].job_id != 0;
    }
    fake_unlock(fake);
    return count;
}

bool fake_executor_has_files(const struct fake_executor *executor, uint64_t job_id)
{
    struct fake_executor *fake = fake_lock(executor);
    bool present = fake_files_present(fake, job_id);

    fake_unlock(fake);
    return present;
}
