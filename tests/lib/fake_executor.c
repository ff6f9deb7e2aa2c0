#include "tests/lib/fake_executor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake_world.h"

#define PORT_FIRST 20000

/* ---- the vtable ---- */

static int assign_address(struct executor *executor, const struct execution_key *key, char *host, size_t host_bytes,
                          uint16_t *ret_port, struct err *err)
{
    struct fake_executor *fake = fake_lock(executor);
    int result = -1;

    for (size_t i = 0; i < fake->address_count && result; i++) {
        if (fake->addresses[i].job_id == 0) {
            fake->addresses[i].job_id = key->job_id;
            snprintf(host, host_bytes, "127.0.0.1");
            *ret_port = (uint16_t)(PORT_FIRST + i);
            result = 0;
        }
    }
    fake_unlock(fake);
    return result ? err_set(err, ERR_EXHAUSTED, "no address left") : 0;
}

static void claim_address(struct executor *executor, const struct execution_key *key, const char *host, uint16_t port)
{
    struct fake_executor *fake = fake_lock(executor);
    char text[EXECUTION_KEY_BYTES];

    fake_key_text(key, text);
    fake_record(fake, "claim %s %s:%u", text, host, port);
    if (port >= PORT_FIRST && port < PORT_FIRST + fake->address_count) {
        fake->addresses[port - PORT_FIRST].job_id = key->job_id;
    }
    fake_unlock(fake);
}

static void release_addresses(struct executor *executor, uint64_t job_id)
{
    struct fake_executor *fake = fake_lock(executor);

    for (size_t i = 0; i < fake->address_count; i++) {
        if (fake->addresses[i].job_id == job_id) {
            fake->addresses[i].job_id = 0;
        }
    }
    fake_record(fake, "release %" PRIu64, job_id);
    fake_unlock(fake);
}

static void launch(struct fake_executor *fake, struct fake_execution *execution)
{
    for (size_t i = 0; i < fake->execution_count; i++) {
        const struct fake_execution *other = &fake->executions[i];

        fake->overlaps += other->phase == FAKE_RUNNING && other->key.job_id == execution->key.job_id &&
                          other->key.pool_index == execution->key.pool_index &&
                          other->key.replica_index == execution->key.replica_index;
    }
    execution->launches++;
    execution->phase = FAKE_RUNNING;
    execution->start_time = clock_wall_unix_ns(fake->clock);
    fake_add_due(fake, DUE_STARTED, execution, 0, NULL);
}

static int start(struct executor *executor, const struct task *task, struct err *err)
{
    struct fake_executor *fake = fake_lock(executor);
    struct fake_execution *execution = fake_find_or_add(fake, &task->key);
    bool fails = fake->fail_text && strstr(execution->text, fake->fail_text);
    int result = 0;

    if (!fake_command(fake)) {
        fake_unlock(fake);
        return 0;
    }
    fake_record(fake, "start %s", execution->text);
    execution->known = true;
    fake_set_files(fake, task->key.job_id, true);
    if (fails && fake->fail_at_once) {
        result = err_set(err, ERR_INVALID, "%s", fake->fail_message);
    } else if (fails) {
        fake_add_due(fake, DUE_START_FAILED, execution, 0, fake->fail_message);
    } else {
        launch(fake, execution);
    }
    fake_unlock(fake);
    return result;
}

static int adopt(struct executor *executor, const struct execution_key *key, struct err *err)
{
    struct fake_executor *fake = fake_lock(executor);
    struct fake_execution *execution = fake_find_or_add(fake, key);
    int result = 0;

    if (fake->fail_adopt) {
        result = err_set(err, ERR_IO, "%s", fake->fail_adopt);
    } else if (fake_command(fake)) {
        fake_record(fake, "adopt %s", execution->text);
        execution->known = true;
        if (execution->phase == FAKE_NOT_LAUNCHED) {
            fake_add_due(fake, DUE_NOT_LAUNCHED, execution, 0, NULL);
        } else {
            fake_add_due(fake, DUE_STARTED, execution, 0, NULL);
        }
        if (execution->phase == FAKE_ENDED) {
            fake_add_due(fake, DUE_END_TOLD, execution, 0, NULL);
        } else if (execution->stop_asked) {
            fake_add_due(fake, DUE_STOPPED, execution, 0, NULL);
        }
    }
    fake_unlock(fake);
    return result;
}

static void stop(struct executor *executor, const struct execution_key *key, int64_t grace_ms)
{
    struct fake_executor *fake = fake_lock(executor);
    struct fake_execution *execution = fake_find_or_add(fake, key);

    (void)grace_ms;
    if (fake_command(fake)) {
        fake_record(fake, "stop %s", execution->text);
        if (execution->phase == FAKE_RUNNING && !execution->stop_asked) {
            execution->stop_asked = true;
            fake_add_due(fake, DUE_STOPPED, execution, 0, NULL);
        }
    }
    fake_unlock(fake);
}

static int remove_files(struct executor *executor, uint64_t job_id, struct err *err)
{
    struct fake_executor *fake = fake_lock(executor);
    int result = 0;

    if (fake->fail_remove) {
        result = err_set(err, ERR_IO, "%s", fake->fail_remove);
    } else if (fake_command(fake)) {
        fake_record(fake, "remove %" PRIu64, job_id);
        fake_add_due(fake, DUE_REMOVED, NULL, job_id, NULL);
    }
    fake_unlock(fake);
    return result;
}

static bool has_files(struct executor *executor, uint64_t job_id)
{
    struct fake_executor *fake = fake_lock(executor);
    bool present = fake_files_present(fake, job_id);

    fake_unlock(fake);
    return present;
}

static void service_log(struct executor *executor, uint64_t job_id, const char *line)
{
    struct fake_executor *fake = fake_lock(executor);

    if (fake_command(fake)) {
        fake_record(fake, "log %" PRIu64 ": %s", job_id, line);
        fake_set_files(fake, job_id, true);
    }
    fake_unlock(fake);
}

/* Nothing comes of it that a job could see. */
static void seal_begin(struct executor *executor, uint64_t job_id, const char *key_name)
{
    (void)executor;
    (void)job_id;
    (void)key_name;
}

static void seal_end(struct executor *executor, uint64_t job_id)
{
    (void)executor;
    (void)job_id;
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

/* ---- life and scripts ---- */

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
                                            .seal_begin = seal_begin,
                                            .seal_end = seal_end,
                                            .log_open = log_open,
                                            .log_read = log_read,
                                            .log_close = log_close,
                                            .destroy = destroy_nothing};
    struct fake_executor *fake = fake_grow(NULL, 1, sizeof *fake);

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
    fake_lock(fake);
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
    fake_unlock(fake);
}

void fake_executor_die_after(struct fake_executor *fake, size_t commands)
{
    fake_lock(fake);
    fake->commands_max = fake->commands + commands;
    fake_unlock(fake);
}

size_t fake_executor_commands(const struct fake_executor *fake)
{
    size_t commands = fake_lock(fake)->commands;

    fake_unlock((struct fake_executor *)(uintptr_t)fake);
    return commands;
}

bool fake_executor_is_dead(const struct fake_executor *executor)
{
    struct fake_executor *fake = fake_lock(executor);
    bool is_dead = fake->commands > fake->commands_max;

    fake_unlock(fake);
    return is_dead;
}

static void set_text(char **text, const char *value)
{
    free(*text);
    *text = value ? strdup(value) : NULL;
}

void fake_executor_fail_starts(struct fake_executor *fake, const char *text, const char *message, bool at_once)
{
    fake_lock(fake);
    set_text(&fake->fail_text, text);
    set_text(&fake->fail_message, message);
    fake->fail_at_once = at_once;
    fake->fail_by_host = false;
    fake_unlock(fake);
}

void fake_executor_fail_starts_by_host(struct fake_executor *fake, const char *text, const char *message)
{
    fake_executor_fail_starts(fake, text, message, false);
    fake_lock(fake);
    fake->fail_by_host = true;
    fake_unlock(fake);
}

void fake_executor_set_addresses(struct fake_executor *fake, size_t count)
{
    fake_lock(fake);
    fake->addresses = fake_grow(fake->addresses, count, sizeof *fake->addresses);
    for (size_t i = fake->address_count; i < count; i++) {
        fake->addresses[i].job_id = 0;
    }
    fake->address_count = count;
    fake_unlock(fake);
}

void fake_executor_fail_removes(struct fake_executor *fake, const char *message)
{
    fake_lock(fake);
    set_text(&fake->fail_remove, message);
    fake_unlock(fake);
}

void fake_executor_fail_adopts(struct fake_executor *fake, const char *message)
{
    fake_lock(fake);
    set_text(&fake->fail_adopt, message);
    fake_unlock(fake);
}
