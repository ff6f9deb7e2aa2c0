#include "tests/lib/fake_executor.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_FIRST 20000

enum phase { NOT_LAUNCHED, RUNNING, ENDED };

struct execution {
    struct execution_key key;
    char text[EXECUTION_KEY_BYTES];
    enum phase phase;
    bool known;      /* started or adopted by the server that is connected */
    bool stop_asked; /* its SIGTERM is on the way */
    unsigned launches;
    enum execution_event_kind end_kind;
    int exit_code;
    int term_signal;
    bool oom_killed;
    char *message;
    char *stderr_tail;
    int64_t start_time;
    int64_t end_time;
};

struct job_files {
    uint64_t job_id;
    bool present;
};

struct address {
    uint64_t job_id; /* 0: free */
};

enum due_kind { DUE_STARTED, DUE_START_FAILED, DUE_STOPPED, DUE_NOT_LAUNCHED, DUE_END_TOLD, DUE_REMOVED };

struct due {
    enum due_kind kind;
    size_t execution; /* index */
    uint64_t job_id;
    char *message;
};

struct fake_executor {
    struct executor executor; /* first */
    pthread_mutex_t mutex;
    const struct clock *clock;
    struct execution_sink sink;
    struct execution *executions;
    size_t execution_count;
    struct job_files *files;
    size_t file_count;
    struct address *addresses;
    size_t address_count;
    struct due *due;
    size_t due_count;
    char **lines;
    size_t line_count;
    size_t commands;
    size_t commands_max;
    char *fail_text;
    char *fail_message;
    bool fail_at_once;
    char *fail_remove;
    char *fail_adopt;
};

/* A test that runs out of memory has failed. */
static void *grow(void *items, size_t count, size_t item_size)
{
    items = realloc(items, count * item_size);
    if (!items) {
        abort();
    }
    return items;
}

static struct fake_executor *lock(const void *executor)
{
    struct fake_executor *fake = (struct fake_executor *)(uintptr_t)executor;

    pthread_mutex_lock(&fake->mutex);
    return fake;
}

static void unlock(struct fake_executor *fake)
{
    pthread_mutex_unlock(&fake->mutex);
}

static PRINTF_LIKE(2, 3) void record(struct fake_executor *fake, const char *format, ...)
{
    va_list arguments;

    fake->lines = grow(fake->lines, fake->line_count + 1, sizeof(char *));
    va_start(arguments, format);
    if (vasprintf(&fake->lines[fake->line_count++], format, arguments) < 0) {
        abort();
    }
    va_end(arguments);
}

/* False: the server died before this command. */
static bool command(struct fake_executor *fake)
{
    return fake->commands++ < fake->commands_max;
}

static struct execution *find(const struct fake_executor *fake, const char *text)
{
    for (size_t i = 0; i < fake->execution_count; i++) {
        if (strcmp(fake->executions[i].text, text) == 0) {
            return &fake->executions[i];
        }
    }
    return NULL;
}

static void key_text(const struct execution_key *key, char text[EXECUTION_KEY_BYTES])
{
    snprintf(text, EXECUTION_KEY_BYTES, "%" PRIu64 "-%u-workerpool%u-%u-%u", key->job_id, key->job_attempt,
             key->pool_index, key->replica_index, key->restart);
}

static struct execution *find_or_add(struct fake_executor *fake, const struct execution_key *key)
{
    char text[EXECUTION_KEY_BYTES];
    struct execution *execution;

    key_text(key, text);
    execution = find(fake, text);
    if (!execution) {
        fake->executions = grow(fake->executions, fake->execution_count + 1, sizeof *execution);
        execution = &fake->executions[fake->execution_count++];
        memset(execution, 0, sizeof *execution);
        execution->key = *key;
        memcpy(execution->text, text, sizeof text);
    }
    return execution;
}

static void add_due(struct fake_executor *fake, enum due_kind kind, const struct execution *execution, uint64_t job_id,
                    const char *message)
{
    fake->due = grow(fake->due, fake->due_count + 1, sizeof *fake->due);
    fake->due[fake->due_count++] = (struct due){kind, execution ? (size_t)(execution - fake->executions) : 0, job_id,
                                                message ? strdup(message) : NULL};
}

static void set_files(struct fake_executor *fake, uint64_t job_id, bool present)
{
    for (size_t i = 0; i < fake->file_count; i++) {
        if (fake->files[i].job_id == job_id) {
            fake->files[i].present = present;
            return;
        }
    }
    fake->files = grow(fake->files, fake->file_count + 1, sizeof *fake->files);
    fake->files[fake->file_count++] = (struct job_files){job_id, present};
}

static bool files_present(const struct fake_executor *fake, uint64_t job_id)
{
    for (size_t i = 0; i < fake->file_count; i++) {
        if (fake->files[i].job_id == job_id) {
            return fake->files[i].present;
        }
    }
    return false;
}

/* ---- events ---- */

static void tell(struct fake_executor *fake, const struct execution *execution, enum execution_event_kind kind,
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
    fake->sink.event(fake->sink.context, &event);
}

static void end(struct fake_executor *fake, struct execution *execution, enum execution_event_kind kind, int exit_code,
                int term_signal)
{
    if (execution->phase != RUNNING) {
        return;
    }
    execution->phase = ENDED;
    execution->end_kind = kind;
    execution->exit_code = exit_code;
    execution->term_signal = term_signal;
    execution->end_time = clock_wall_unix_ns(fake->clock);
    if (execution->known) {
        tell(fake, execution, kind, execution->message);
    }
}

static void let_happen(struct fake_executor *fake, const struct due *due)
{
    struct execution *execution = fake->execution_count > 0 ? &fake->executions[due->execution] : NULL;
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
        set_files(fake, due->job_id, false);
        fake->sink.event(fake->sink.context, &removed);
        break;
    }
}

size_t fake_executor_settle(struct fake_executor *fake)
{
    size_t count;

    lock(fake);
    count = fake->due_count;
    for (size_t i = 0; i < count; i++) {
        let_happen(fake, &fake->due[i]);
        free(fake->due[i].message);
    }
    fake->due_count = 0;
    unlock(fake);
    return count;
}

/* ---- the vtable ---- */

static int assign_address(struct executor *executor, const struct execution_key *key, char *host, size_t host_bytes,
                          uint16_t *ret_port, struct err *err)
{
    struct fake_executor *fake = lock(executor);
    int result = -1;

    for (size_t i = 0; i < fake->address_count && result; i++) {
        if (fake->addresses[i].job_id == 0) {
            fake->addresses[i].job_id = key->job_id;
            snprintf(host, host_bytes, "127.0.0.1");
            *ret_port = (uint16_t)(PORT_FIRST + i);
            result = 0;
        }
    }
    unlock(fake);
    return result ? err_set(err, ERR_EXHAUSTED, "no address left") : 0;
}

static void claim_address(struct executor *executor, const struct execution_key *key, const char *host, uint16_t port)
{
    struct fake_executor *fake = lock(executor);
    char text[EXECUTION_KEY_BYTES];

    key_text(key, text);
    record(fake, "claim %s %s:%u", text, host, port);
    if (port >= PORT_FIRST && port < PORT_FIRST + fake->address_count) {
        fake->addresses[port - PORT_FIRST].job_id = key->job_id;
    }
    unlock(fake);
}

static void release_addresses(struct executor *executor, uint64_t job_id)
{
    struct fake_executor *fake = lock(executor);

    for (size_t i = 0; i < fake->address_count; i++) {
        if (fake->addresses[i].job_id == job_id) {
            fake->addresses[i].job_id = 0;
        }
    }
    record(fake, "release %" PRIu64, job_id);
    unlock(fake);
}

static void launch(struct fake_executor *fake, struct execution *execution)
{
    execution->launches++;
    execution->phase = RUNNING;
    execution->start_time = clock_wall_unix_ns(fake->clock);
    add_due(fake, DUE_STARTED, execution, 0, NULL);
}

static int start(struct executor *executor, const struct task *task, struct err *err)
{
    struct fake_executor *fake = lock(executor);
    struct execution *execution = find_or_add(fake, &task->key);
    bool fails = fake->fail_text && strstr(execution->text, fake->fail_text);
    int result = 0;

    if (!command(fake)) {
        unlock(fake);
        return 0;
    }
    record(fake, "start %s", execution->text);
    execution->known = true;
    set_files(fake, task->key.job_id, true);
    if (fails && fake->fail_at_once) {
        result = err_set(err, ERR_INVALID, "%s", fake->fail_message);
    } else if (fails) {
        add_due(fake, DUE_START_FAILED, execution, 0, fake->fail_message);
    } else {
        launch(fake, execution);
    }
    unlock(fake);
    return result;
}

static int adopt(struct executor *executor, const struct execution_key *key, struct err *err)
{
    struct fake_executor *fake = lock(executor);
    struct execution *execution = find_or_add(fake, key);
    int result = 0;

    if (fake->fail_adopt) {
        result = err_set(err, ERR_IO, "%s", fake->fail_adopt);
    } else if (command(fake)) {
        record(fake, "adopt %s", execution->text);
        execution->known = true;
        if (execution->phase == NOT_LAUNCHED) {
            add_due(fake, DUE_NOT_LAUNCHED, execution, 0, NULL);
        } else {
            add_due(fake, DUE_STARTED, execution, 0, NULL);
        }
        if (execution->phase == ENDED) {
            add_due(fake, DUE_END_TOLD, execution, 0, NULL);
        } else if (execution->stop_asked) {
            add_due(fake, DUE_STOPPED, execution, 0, NULL);
        }
    }
    unlock(fake);
    return result;
}

static void stop(struct executor *executor, const struct execution_key *key, int64_t grace_ms)
{
    struct fake_executor *fake = lock(executor);
    struct execution *execution = find_or_add(fake, key);

    (void)grace_ms;
    if (command(fake)) {
        record(fake, "stop %s", execution->text);
        if (execution->phase == RUNNING && !execution->stop_asked) {
            execution->stop_asked = true;
            add_due(fake, DUE_STOPPED, execution, 0, NULL);
        }
    }
    unlock(fake);
}

static int remove_files(struct executor *executor, uint64_t job_id, struct err *err)
{
    struct fake_executor *fake = lock(executor);
    int result = 0;

    if (fake->fail_remove) {
        result = err_set(err, ERR_IO, "%s", fake->fail_remove);
    } else if (command(fake)) {
        record(fake, "remove %" PRIu64, job_id);
        add_due(fake, DUE_REMOVED, NULL, job_id, NULL);
    }
    unlock(fake);
    return result;
}

static bool has_files(struct executor *executor, uint64_t job_id)
{
    struct fake_executor *fake = lock(executor);
    bool present = files_present(fake, job_id);

    unlock(fake);
    return present;
}

static void service_log(struct executor *executor, uint64_t job_id, const char *line)
{
    struct fake_executor *fake = lock(executor);

    if (command(fake)) {
        record(fake, "log %" PRIu64 ": %s", job_id, line);
        set_files(fake, job_id, true);
    }
    unlock(fake);
}

static int log_open(struct executor *executor, uint64_t job_id, const char *replica, struct log_cursor **ret_cursor,
                    struct err *err)
{
    (void)executor;
    (void)ret_cursor;
    return err_set(err, ERR_UNSUPPORTED, "the fake keeps no logs of job %" PRIu64 " %s", job_id, replica);
}

static int log_read(struct log_cursor *cursor, log_line_fn line, void *context, struct err *err)
{
    (void)cursor;
    (void)line;
    (void)context;
    return err_set(err, ERR_UNSUPPORTED, "the fake keeps no logs");
}

static void log_close(struct log_cursor *cursor)
{
    (void)cursor;
}

static void destroy_nothing(struct executor *executor)
{
    (void)executor;
}

/* ---- life, scripts, questions ---- */

struct fake_executor *fake_executor_create(const struct clock *clock)
{
    static const struct executor_ops ops = {.name = "fake",
                                            .assign_address = assign_address,
                                            .claim_address = claim_address,
                                            .release_addresses = release_addresses,
                                            .start = start,
                                            .adopt = adopt,
                                            .stop = stop,
                                            .remove = remove_files,
                                            .has_files = has_files,
                                            .service_log = service_log,
                                            .log_open = log_open,
                                            .log_read = log_read,
                                            .log_close = log_close,
                                            .destroy = destroy_nothing};
    struct fake_executor *fake = grow(NULL, 1, sizeof *fake);

    memset(fake, 0, sizeof *fake);
    fake->executor.ops = &ops;
    fake->clock = clock;
    fake->commands_max = SIZE_MAX;
    pthread_mutex_init(&fake->mutex, NULL);
    fake_executor_set_addresses(fake, 10000);
    return fake;
}

static void drop_due(struct fake_executor *fake)
{
    while (fake->due_count > 0) {
        free(fake->due[--fake->due_count].message);
    }
}

void fake_executor_destroy(struct fake_executor *fake)
{
    drop_due(fake);
    for (size_t i = 0; i < fake->execution_count; i++) {
        free(fake->executions[i].message);
        free(fake->executions[i].stderr_tail);
    }
    for (size_t i = 0; i < fake->line_count; i++) {
        free(fake->lines[i]);
    }
    free(fake->executions);
    free(fake->files);
    free(fake->addresses);
    free(fake->due);
    free(fake->lines);
    free(fake->fail_text);
    free(fake->fail_message);
    free(fake->fail_remove);
    free(fake->fail_adopt);
    pthread_mutex_destroy(&fake->mutex);
    free(fake);
}

struct executor *fake_executor_executor(struct fake_executor *fake)
{
    return &fake->executor;
}

void fake_executor_connect(struct fake_executor *fake, struct execution_sink sink)
{
    lock(fake);
    drop_due(fake);
    for (size_t i = 0; i < fake->execution_count; i++) {
        fake->executions[i].known = false;
    }
    for (size_t i = 0; i < fake->address_count; i++) {
        fake->addresses[i].job_id = 0;
    }
    fake->sink = sink;
    fake->commands = 0;
    fake->commands_max = SIZE_MAX;
    unlock(fake);
}

void fake_executor_die_after(struct fake_executor *fake, size_t commands)
{
    lock(fake);
    fake->commands_max = fake->commands + commands;
    unlock(fake);
}

size_t fake_executor_commands(const struct fake_executor *fake)
{
    size_t commands = lock(fake)->commands;

    unlock((struct fake_executor *)(uintptr_t)fake);
    return commands;
}

bool fake_executor_is_dead(const struct fake_executor *executor)
{
    struct fake_executor *fake = lock(executor);
    bool is_dead = fake->commands > fake->commands_max;

    unlock(fake);
    return is_dead;
}

void fake_executor_exit(struct fake_executor *fake, const char *key, int exit_code, const char *stderr_tail)
{
    struct execution *execution;

    lock(fake);
    execution = find(fake, key);
    if (execution) {
        free(execution->stderr_tail);
        execution->stderr_tail = stderr_tail ? strdup(stderr_tail) : NULL;
        end(fake, execution, EXECUTION_EVENT_EXITED, exit_code, 0);
    }
    unlock(fake);
}

void fake_executor_kill(struct fake_executor *fake, const char *key, int signal_number, bool oom_killed)
{
    struct execution *execution;

    lock(fake);
    execution = find(fake, key);
    if (execution) {
        execution->oom_killed = oom_killed;
        end(fake, execution, EXECUTION_EVENT_EXITED, -1, signal_number);
    }
    unlock(fake);
}

void fake_executor_lose(struct fake_executor *fake, const char *key, const char *message)
{
    struct execution *execution;

    lock(fake);
    execution = find(fake, key);
    if (execution) {
        free(execution->message);
        execution->message = strdup(message);
        end(fake, execution, EXECUTION_EVENT_LOST, 0, 0);
    }
    unlock(fake);
}

void fake_executor_exit_all(struct fake_executor *fake)
{
    lock(fake);
    for (size_t i = 0; i < fake->execution_count; i++) {
        end(fake, &fake->executions[i], EXECUTION_EVENT_EXITED, 0, 0);
    }
    unlock(fake);
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = value ? strdup(value) : NULL;
}

void fake_executor_fail_starts(struct fake_executor *fake, const char *text, const char *message, bool at_once)
{
    lock(fake);
    set_text(&fake->fail_text, text);
    set_text(&fake->fail_message, message);
    fake->fail_at_once = at_once;
    unlock(fake);
}

void fake_executor_set_addresses(struct fake_executor *fake, size_t count)
{
    lock(fake);
    fake->addresses = grow(fake->addresses, count, sizeof *fake->addresses);
    for (size_t i = fake->address_count; i < count; i++) {
        fake->addresses[i].job_id = 0;
    }
    fake->address_count = count;
    unlock(fake);
}

void fake_executor_fail_removes(struct fake_executor *fake, const char *message)
{
    lock(fake);
    set_text(&fake->fail_remove, message);
    unlock(fake);
}

void fake_executor_fail_adopts(struct fake_executor *fake, const char *message)
{
    lock(fake);
    set_text(&fake->fail_adopt, message);
    unlock(fake);
}

const char *fake_executor_line(const struct fake_executor *executor, const char *prefix, size_t index)
{
    struct fake_executor *fake = lock(executor);
    const char *line = NULL;

    for (size_t i = 0; i < fake->line_count && !line; i++) {
        if (strncmp(fake->lines[i], prefix, strlen(prefix)) == 0 && index-- == 0) {
            line = fake->lines[i];
        }
    }
    unlock(fake);
    return line;
}

size_t fake_executor_count(const struct fake_executor *executor, const char *prefix)
{
    struct fake_executor *fake = lock(executor);
    size_t count = 0;

    for (size_t i = 0; i < fake->line_count; i++) {
        count += strncmp(fake->lines[i], prefix, strlen(prefix)) == 0;
    }
    unlock(fake);
    return count;
}

size_t fake_executor_running(const struct fake_executor *executor)
{
    struct fake_executor *fake = lock(executor);
    size_t count = 0;

    for (size_t i = 0; i < fake->execution_count; i++) {
        count += fake->executions[i].phase == RUNNING;
    }
    unlock(fake);
    return count;
}

unsigned fake_executor_launches(const struct fake_executor *executor, const char *key)
{
    struct fake_executor *fake = lock(executor);
    const struct execution *execution = find(fake, key);
    unsigned launches = execution ? execution->launches : 0;

    unlock(fake);
    return launches;
}

unsigned fake_executor_launches_max(const struct fake_executor *executor)
{
    struct fake_executor *fake = lock(executor);
    unsigned most = 0;

    for (size_t i = 0; i < fake->execution_count; i++) {
        most = fake->executions[i].launches > most ? fake->executions[i].launches : most;
    }
    unlock(fake);
    return most;
}

size_t fake_executor_addresses_held(const struct fake_executor *executor)
{
    struct fake_executor *fake = lock(executor);
    size_t count = 0;

    for (size_t i = 0; i < fake->address_count; i++) {
        count += fake->addresses[i].job_id != 0;
    }
    unlock(fake);
    return count;
}

bool fake_executor_has_files(const struct fake_executor *executor, uint64_t job_id)
{
    struct fake_executor *fake = lock(executor);
    bool present = files_present(fake, job_id);

    unlock(fake);
    return present;
}
