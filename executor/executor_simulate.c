/* One thread tells everything: what was just asked for, in order, and the ends, by a heap of times. */
#include "executor/executor_simulate.h"

#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "executor/memory_log.h"
#include "executor/simulate_heap.h"
#include "executor/simulate_task.h"
#include "executor/worker_thread.h"

#define REPLICAS_MAX (1024 * 1024)
#define PORT_FIRST 20000
#define PORT_COUNT 40000

enum request_kind { REQUEST_START, REQUEST_ADOPT, REQUEST_REMOVE };

/* A request, and of a START the replica that comes of it. */
struct replica {
    struct execution_key key; /* first: replicas are found by it */
    enum request_kind kind;
    struct replica *next; /* in the list of requests */
    int64_t duration_ns;
    struct simulate_heap_entry due;
    int exit_code;
    bool is_running; /* told STARTED; in the heap */
    bool is_stopped;
};

struct executor_simulate {
    struct executor executor; /* first */
    struct execution_sink sink;
    const struct clock *clock;
    int64_t duration_ns;
    struct memory_log *log;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool quits;
    size_t count; /* requests and replicas */
    struct replica *first, **last_next;
    void *replicas;            /* tree of search.h, by key */
    struct simulate_heap heap; /* has room for all of them */
};

static struct executor_simulate *self_of(struct executor *executor)
{
    return (struct executor_simulate *)executor;
}

static struct replica *replica_of(struct simulate_heap_entry *due)
{
    return (struct replica *)((char *)due - offsetof(struct replica, due));
}

/* ---- the thread; it tells without the mutex ---- */

static void tell(struct executor_simulate *self, struct execution_event event)
{
    event.time_unix_ns = clock_wall_unix_ns(self->clock);
    event.message = "";
    self->sink.event(self->sink.context, &event);
}

static void say(struct executor_simulate *self, const struct execution_key *key, const char *text)
{
    memory_log_append(self->log, key, LOG_STREAM_STDOUT, clock_wall_unix_ns(self->clock), text);
}

static void take_request(struct executor_simulate *self)
{
    static const enum execution_event_kind kinds[] = {[REQUEST_START] = EXECUTION_EVENT_STARTED,
                                                      [REQUEST_ADOPT] = EXECUTION_EVENT_NOT_LAUNCHED,
                                                      [REQUEST_REMOVE] = EXECUTION_EVENT_REMOVED};
    struct replica *replica = self->first;
    struct execution_event event = {.kind = kinds[replica->kind], .key = replica->key};

    self->first = replica->next;
    if (!self->first) {
        self->last_next = &self->first;
    }
    pthread_mutex_unlock(&self->mutex);
    if (replica->kind == REQUEST_START) {
        say(self, &event.key, "The simulated replica runs.");
    }
    tell(self, event);
    pthread_mutex_lock(&self->mutex);
    if (replica->kind == REQUEST_START) {
        replica->is_running = true;
        replica->due.due_mono_ns = worker_now_mono_ns() + (replica->is_stopped ? 0 : replica->duration_ns);
        simulate_heap_add(&self->heap, &replica->due);
    } else {
        self->count--;
        free(replica);
    }
}

static void end_replica(struct executor_simulate *self, struct replica *replica)
{
    struct execution_event event = {.kind = EXECUTION_EVENT_EXITED,
                                    .key = replica->key,
                                    .exit_code = replica->is_stopped ? -1 : replica->exit_code,
                                    .term_signal = replica->is_stopped ? SIGTERM : 0};
    char text[80];

    tdelete(&replica->key, &self->replicas, execution_key_compare);
    self->count--;
    pthread_mutex_unlock(&self->mutex);
    free(replica);
    if (event.term_signal != 0) {
        (void)snprintf(text, sizeof text, "The simulated replica is stopped.");
    } else {
        (void)snprintf(text, sizeof text, "The simulated replica exits with %d.", event.exit_code);
    }
    say(self, &event.key, text);
    tell(self, event);
    pthread_mutex_lock(&self->mutex);
}

static void *run(void *context)
{
    struct executor_simulate *self = context;

    pthread_mutex_lock(&self->mutex);
    while (!self->quits) {
        const struct simulate_heap_entry *next = simulate_heap_first(&self->heap);

        if (self->first) {
            take_request(self);
        } else if (next && next->due_mono_ns <= worker_now_mono_ns()) {
            end_replica(self, replica_of(simulate_heap_take(&self->heap)));
        } else {
            worker_cond_wait(&self->changed, &self->mutex, next ? next->due_mono_ns : INT64_MAX);
        }
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

/* ---- commands ---- */

/* Under the mutex. Takes a copy; 0 also when the replica was started before. */
static int queue_request(struct executor_simulate *self, const struct replica *request, struct err *err)
{
    struct replica *copy, *const *found;

    if (self->count == REPLICAS_MAX) {
        return err_set(err, ERR_EXHAUSTED, "more than %d simulated replicas at one time", REPLICAS_MAX);
    }
    copy = malloc(sizeof *copy);
    if (!copy || simulate_heap_reserve(&self->heap, self->count + 1, err) != 0) {
        free(copy);
        return err_set(err, ERR_EXHAUSTED, "no memory for a simulated replica");
    }
    *copy = *request;
    if (copy->kind == REQUEST_START) {
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

static int add_request(struct executor_simulate *self, const struct replica *request, struct err *err)
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
    struct replica request = {.key = task->key, .kind = REQUEST_START};

    if (simulate_task_duration(task->simulate_duration, self->duration_ns, &request.duration_ns, err) != 0 ||
        simulate_task_exit_code(task->simulate_exit_code, &request.exit_code, err) != 0) {
        return -1;
    }
    return add_request(self, &request, err);
}

static int adopt(struct executor *executor, const struct execution_key *key, struct err *err)
{
    return add_request(self_of(executor), &(struct replica){.key = *key, .kind = REQUEST_ADOPT}, err);
}

static int remove_job(struct executor *executor, uint64_t job_id, struct err *err)
{
    return add_request(self_of(executor), &(struct replica){.key = {.job_id = job_id}, .kind = REQUEST_REMOVE}, err);
}

static void stop(struct executor *executor, const struct execution_key *key, int64_t grace_ms)
{
    struct executor_simulate *self = self_of(executor);
    struct replica *const *found;

    (void)grace_ms; /* it never takes any */
    pthread_mutex_lock(&self->mutex);
    found = tfind(key, &self->replicas, execution_key_compare);
    if (found && !(*found)->is_stopped) {
        (*found)->is_stopped = true;
        if ((*found)->is_running) {
            (*found)->due.due_mono_ns = worker_now_mono_ns();
            simulate_heap_advance(&self->heap, &(*found)->due);
            pthread_cond_signal(&self->changed);
        }
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
                      clock_wall_unix_ns(self->clock), line);
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
    for (struct replica *request = self->first, *next; request; request = next) {
        next = request->next;
        free(request);
    }
    while (simulate_heap_first(&self->heap)) {
        free(replica_of(simulate_heap_take(&self->heap)));
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
    (void)pthread_join(self->thread, NULL);
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
    self->clock = options->clock;
    self->duration_ns = options->duration_ms * CLOCK_NS_PER_MS;
    self->last_next = &self->first;
    if (memory_log_create(&self->log, err) != 0) {
        free(self);
        return -1;
    }
    worker_cond_init(&self->changed);
    (void)pthread_mutex_init(&self->mutex, NULL);
    if (worker_thread_start(run, self, &self->thread, err) != 0) {
        free_self(self);
        return -1;
    }
    *ret_executor = &self->executor;
    return 0;
}
