#include "executor/executor_simulate.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>

#include "executor/simulate_state.h"
#include "executor/worker_thread.h"

#define REPLICAS_MAX (1024 * 1024)
#define PORT_FIRST 20000
#define PORT_COUNT 40000

static struct executor_simulate *self_of(struct executor *executor)
{
    return (struct executor_simulate *)executor;
}

/* ---- who does them: the own thread, or the owner of the time ---- */

static int64_t next_mono_ns(const struct executor_simulate *self)
{
    const struct simulate_heap_entry *next = simulate_heap_first(&self->heap);

    if (self->first) {
        return 0;
    }
    return next ? next->due_mono_ns : INT64_MAX;
}

static void *run(void *context)
{
    struct executor_simulate *self = context;

    pthread_mutex_lock(&self->mutex);
    while (!self->quits) {
        if (!simulate_take_next(self)) {
            worker_cond_wait(&self->changed, &self->mutex, next_mono_ns(self));
        }
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

bool executor_simulate_step(struct executor *executor)
{
    struct executor_simulate *self = self_of(executor);
    bool has_worked = false;

    pthread_mutex_lock(&self->mutex);
    while (simulate_take_next(self)) {
        has_worked = true;
    }
    pthread_mutex_unlock(&self->mutex);
    return has_worked;
}

int64_t executor_simulate_next_mono_ns(struct executor *executor)
{
    struct executor_simulate *self = self_of(executor);
    int64_t next;

    pthread_mutex_lock(&self->mutex);
    next = next_mono_ns(self);
    pthread_mutex_unlock(&self->mutex);
    return next;
}

/* ---- commands ---- */

/* Under the mutex. Takes a copy; 0 also when the replica was started before. */
static int queue_request(struct executor_simulate *self, const struct simulated *request, struct err *err)
{
    struct simulated *copy, *const *found;

    if (self->count == REPLICAS_MAX) {
        return err_set(err, ERR_EXHAUSTED, "more than %d simulated replicas at one time", REPLICAS_MAX);
    }
    copy = malloc(sizeof *copy);
    if (!copy || simulate_heap_reserve(&self->heap, self->count + 1, err) != 0) {
        free(copy);
        return err_set(err, ERR_EXHAUSTED, "no memory for a simulated replica");
    }
    *copy = *request;
    if (copy->kind == SIMULATE_REQUEST_START) {
        found = tsearch(copy, &self->replicas, execution_key_compare);
        if (!found || *found != copy) {
            free(copy);
            return found ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for a simulated replica");
        }
    }
    self->count++;
    *self->last_next = copy;
    self->last_next = &copy->next;
    return 0;
}

static int add_request(struct executor_simulate *self, const struct simulated *request, struct err *err)
{
    int result;

    pthread_mutex_lock(&self->mutex);
    result = queue_request(self, request, err);
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    return result;
}

static int start(struct executor *executor, const struct task *task, struct err *err)
{
    struct executor_simulate *self = self_of(executor);
    struct simulated request = {
        .key = task->key, .kind = SIMULATE_REQUEST_START, .start_unix_ns = task->start_time_unix_ns};

    if (simulate_decide(self->options.scenario, task, self->options.duration_ms * CLOCK_NS_PER_MS, &request.fate,
                        err) != 0) {
        return -1;
    }
    return add_request(self, &request, err);
}

static int adopt(struct executor *executor, const struct execution_key *key, struct err *err)
{
    return add_request(self_of(executor), &(struct simulated){.key = *key, .kind = SIMULATE_REQUEST_ADOPT}, err);
}

static int remove_job(struct executor *executor, uint64_t job_id, struct err *err)
{
    return add_request(self_of(executor),
                       &(struct simulated){.key = {.job_id = job_id}, .kind = SIMULATE_REQUEST_REMOVE}, err);
}

static void stop(struct executor *executor, const struct execution_key *key, int64_t grace_ms)
{
    struct executor_simulate *self = self_of(executor);
    struct simulated *const *found;

    pthread_mutex_lock(&self->mutex);
    found = tfind(key, &self->replicas, execution_key_compare);
    if (found && (*found)->stop_signal == 0) {
        simulate_stop(self, *found, grace_ms * CLOCK_NS_PER_MS);
    }
    pthread_mutex_unlock(&self->mutex);
}

/* ---- addresses, at which nobody listens, and logs ---- */

static int assign_address(struct executor *executor, const struct execution_key *key, char *host, size_t host_bytes,
                          uint16_t *ret_port, struct err *err)
{
    (void)executor;
    (void)err;
    (void)snprintf(host, host_bytes, "127.0.0.1");
    *ret_port = (uint16_t)(PORT_FIRST + (key->pool_index * (PORT_COUNT / 4) + key->replica_index) % PORT_COUNT);
    return 0;
}

static void claim_address(struct executor *executor, const struct execution_key *key, const char *host, uint16_t port)
{
    (void)executor;
    (void)key;
    (void)host;
    (void)port;
}

static void release_addresses(struct executor *executor, uint64_t job_id)
{
    (void)executor;
    (void)job_id;
}

static bool has_files(struct executor *executor, uint64_t job_id)
{
    (void)executor;
    (void)job_id;
    return false;
}

static void service_log(struct executor *executor, uint64_t job_id, const char *line)
{
    struct executor_simulate *self = self_of(executor);

    memory_log_append(self->log, &(struct execution_key){.job_id = job_id}, LOG_STREAM_SERVICE,
                      clock_wall_unix_ns(self->options.clock), line);
}

static int log_open(struct executor *executor, uint64_t job_id, const char *replica, struct log_cursor **ret_cursor,
                    struct err *err)
{
    return memory_log_open(self_of(executor)->log, job_id, replica, ret_cursor, err);
}

/* ---- life ---- */

static void keep(void *replica)
{
    (void)replica; /* requests and heap own them all */
}

static void free_self(struct executor_simulate *self)
{
    for (struct simulated *request = self->first, *next; request; request = next) {
        next = request->next;
        free(request);
    }
    while (simulate_heap_first(&self->heap)) {
        free(simulated_of(simulate_heap_take(&self->heap)));
    }
    tdestroy(self->replicas, keep);
    simulate_heap_deinit(&self->heap);
    memory_log_unref(self->log);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

static void destroy(struct executor *executor)
{
    struct executor_simulate *self = self_of(executor);

    pthread_mutex_lock(&self->mutex);
    self->quits = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    if (self->has_thread) {
        (void)pthread_join(self->thread, NULL);
    }
    free_self(self);
}

/* Its logs are in memory alone. */
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

static const struct executor_ops ops = {
    .name = "simulate",
    .assign_address = assign_address,
    .claim_address = claim_address,
    .release_addresses = release_addresses,
    .start = start,
    .adopt = adopt,
    .stop = stop,
    .remove = remove_job,
    .has_files = has_files,
    .service_log = service_log,
    .seal_begin = seal_begin,
    .seal_end = seal_end,
    .log_open = log_open,
    .log_read = memory_log_read,
    .log_close = memory_log_close,
    .destroy = destroy,
};

int executor_simulate_create(const struct executor_simulate_options *options, struct execution_sink sink,
                             struct executor **ret_executor, struct err *err)
{
    struct executor_simulate *self = calloc(1, sizeof *self);

    if (!self) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    self->executor.ops = &ops;
    self->sink = sink;
    self->options = *options;
    self->last_next = &self->first;
    if (memory_log_create(&self->log, err) != 0) {
        free(self);
        return -1;
    }
    worker_cond_init(&self->changed);
    (void)pthread_mutex_init(&self->mutex, NULL);
    self->has_thread = !options->is_stepped && worker_thread_start("executor", run, self, &self->thread, err) == 0;
    if (!self->has_thread && !options->is_stepped) {
        free_self(self);
        return -1;
    }
    *ret_executor = &self->executor;
    return 0;
}
