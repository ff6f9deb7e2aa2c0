#include "executor/attempt_sealer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executor/attempt_files.h"
#include "executor/seal_mark.h"
#include "executor/sealed_job.h"
#include "executor/worker_thread.h"

/* How often, and how long each time, a supervisor that has told the end is waited for. */
#define HELD_WAITS 100
#define HELD_WAIT_MS 20

enum order_kind { ORDER_BEGIN, ORDER_ATTEMPT, ORDER_END };

struct order {
    struct order *next;
    enum order_kind kind;
    struct execution_key key; /* of BEGIN and END the job's id alone */
    char *key_name;           /* BEGIN */
};

/* A job that began and has not ended. */
struct living {
    uint64_t job_id; /* first: what the tree compares */
    char *key_name;
};

struct attempt_sealer {
    const struct process_config *config;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct order *first, **last_next; /* guarded by mutex */
    atomic_int quits;                 /* written under mutex */
    void *living;                     /* tree of search.h, by id; the thread's */
    pthread_t thread;
};

/* ---- files ---- */

static int open_dir(int at_fd, const char *path)
{
    return openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- orders ---- */

static int compare_ids(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static struct living *find_living(const struct attempt_sealer *sealer, uint64_t job_id)
{
    struct living *const *found = tfind(&job_id, &sealer->living, compare_ids);

    return found ? *found : NULL;
}

/* Takes over the name. Without memory the sweep seals the job's attempts that have ended; the others are held. */
static const char *add_living(struct attempt_sealer *sealer, uint64_t job_id, char **key_name)
{
    struct living *living = find_living(sealer, job_id);

    if (!living) {
        living = calloc(1, sizeof *living);
        if (!living) {
            return *key_name;
        }
        living->job_id = job_id;
        if (!tsearch(living, &sealer->living, compare_ids)) {
            free(living);
            return *key_name;
        }
    }
    free(living->key_name);
    living->key_name = *key_name;
    *key_name = NULL;
    return living->key_name;
}

static void free_living(void *node)
{
    struct living *living = node;

    free(living->key_name);
    free(living);
}

static void remove_living(struct attempt_sealer *sealer, uint64_t job_id)
{
    struct living *living = find_living(sealer, job_id);

    if (living) {
        tdelete(&job_id, &sealer->living, compare_ids);
        free_living(living);
    }
}

static int begin(struct attempt_sealer *sealer, struct order *order, struct err *err)
{
    const char *key_name = add_living(sealer, order->key.job_id, &order->key_name);
    char job[ATTEMPT_PATH_BYTES];
    int job_fd, result;

    if (attempt_make_job_dir(sealer->config, order->key.job_id, err) != 0) {
        return -1;
    }
    attempt_job_path(order->key.job_id, job);
    job_fd = open_dir(sealer->config->attempts_fd, job);
    if (job_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the directory of job %s", job);
    }
    result = seal_mark_write(job_fd, key_name, err);
    close(job_fd);
    if (result == 0 && fsync(sealer->config->attempts_fd) != 0) {
        result = err_set_errno(err, errno, "cannot make the mark of job %s durable", job);
    }
    return result;
}

/* A job that could not be marked when it began is marked now, so that what cannot be sealed now is found later. */
static int read_key(const struct attempt_sealer *sealer, int job_fd, const char *job, char key_name[KEY_NAME_BYTES],
                    struct err *err)
{
    const struct living *living = find_living(sealer, strtoull(job, NULL, 10));

    key_name[0] = '\0';
    if (seal_mark_read(job_fd, key_name) || !living) {
        return 0;
    }
    (void)snprintf(key_name, KEY_NAME_BYTES, "%s", living->key_name);
    return seal_mark_write(job_fd, key_name, err);
}

static bool quits(void *context)
{
    return atomic_load(&((struct attempt_sealer *)context)->quits) != 0;
}

/* attempt NULL: all of the job. */
static int seal(struct attempt_sealer *sealer, const char *job, const char *attempt, struct err *err)
{
    char key_name[KEY_NAME_BYTES];
    int job_fd = open_dir(sealer->config->attempts_fd, job);
    struct keyring *keys = sealer->config->keys;
    int result;

    if (job_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the directory of job %s", job);
    }
    result = read_key(sealer, job_fd, job, key_name, err);
    if (result == 0 && key_name[0] != '\0') {
        result = attempt ? sealed_job_seal_attempt(keys, job_fd, attempt, span_of(key_name), err)
                         : sealed_job_seal(keys, job_fd, job, span_of(key_name), quits, sealer, err);
    }
    close(job_fd);
    return result;
}

static void tell(const struct attempt_sealer *sealer, const struct err *err)
{
    if (sealer->config->log) {
        sealer->config->log(sealer->config->log_context, err->text);
    }
}

/* The jobs that have ended, and those whose end was not told before a crash. */
static int sweep(struct attempt_sealer *sealer, struct err *err)
{
    int fd = open_dir(sealer->config->attempts_fd, ".");
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (!dir) {
        err_set_errno(err, errno, "cannot list the directories of jobs");
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    while (!atomic_load(&sealer->quits) && (entry = readdir(dir))) {
        uint64_t job_id = strtoull(entry->d_name, NULL, 10);
        struct err one = ERR_INIT;

        if (job_id != 0 && !find_living(sealer, job_id) && seal(sealer, entry->d_name, NULL, &one) != 0) {
            tell(sealer, &one);
        }
    }
    (void)closedir(dir);
    return 0;
}

/* It has told the end and is about to go. One that stays keeps its files plain until the job's next start. */
static void wait_for_supervisor(struct attempt_sealer *sealer, const struct execution_key *key)
{
    struct err ignored = ERR_INIT;
    int fd = -1;

    if (attempt_open(sealer->config->attempts_fd, key, &fd, &ignored) != 0 || fd < 0) {
        return;
    }
    pthread_mutex_lock(&sealer->mutex);
    for (int i = 0; i < HELD_WAITS && !atomic_load(&sealer->quits) && sealed_job_is_held(fd); i++) {
        worker_cond_wait(&sealer->changed, &sealer->mutex, worker_now_mono_ns() + HELD_WAIT_MS * CLOCK_NS_PER_MS);
    }
    pthread_mutex_unlock(&sealer->mutex);
    close(fd);
}

static int carry_out(struct attempt_sealer *sealer, struct order *order, struct err *err)
{
    char job[ATTEMPT_PATH_BYTES], attempt[EXECUTION_KEY_BYTES];
    int result;

    switch (order->kind) {
    case ORDER_BEGIN:
        return begin(sealer, order, err);
    case ORDER_ATTEMPT:
        attempt_job_path(order->key.job_id, job);
        execution_key_format(&order->key, attempt);
        wait_for_supervisor(sealer, &order->key);
        return seal(sealer, job, attempt, err);
    case ORDER_END:
        break;
    }
    if (order->key.job_id == 0) {
        return sweep(sealer, err);
    }
    attempt_job_path(order->key.job_id, job);
    result = seal(sealer, job, NULL, err);
    remove_living(sealer, order->key.job_id);
    return result;
}

static void free_order(struct order *order)
{
    free(order->key_name);
    free(order);
}

static struct order *next_order(struct attempt_sealer *sealer)
{
    struct order *order;

    while (!sealer->first && !atomic_load(&sealer->quits)) {
        worker_cond_wait(&sealer->changed, &sealer->mutex, INT64_MAX);
    }
    if (atomic_load(&sealer->quits)) {
        return NULL;
    }
    order = sealer->first;
    sealer->first = order->next;
    if (!sealer->first) {
        sealer->last_next = &sealer->first;
    }
    return order;
}

static void *run(void *context)
{
    struct attempt_sealer *sealer = context;
    struct order *order;

    pthread_mutex_lock(&sealer->mutex);
    while ((order = next_order(sealer))) {
        struct err err = ERR_INIT;

        pthread_mutex_unlock(&sealer->mutex);
        if (carry_out(sealer, order, &err) != 0) {
            tell(sealer, &err);
        }
        free_order(order);
        pthread_mutex_lock(&sealer->mutex);
    }
    pthread_mutex_unlock(&sealer->mutex);
    return NULL;
}

static void give(struct attempt_sealer *sealer, enum order_kind kind, struct execution_key key, char *key_name)
{
    struct order *order = malloc(sizeof *order);

    if (!order) {
        free(key_name);
        return; /* the next start of the server finds what is to be done */
    }
    *order = (struct order){.kind = kind, .key = key, .key_name = key_name};
    pthread_mutex_lock(&sealer->mutex);
    *sealer->last_next = order;
    sealer->last_next = &order->next;
    pthread_cond_signal(&sealer->changed);
    pthread_mutex_unlock(&sealer->mutex);
}

void attempt_sealer_begin(struct attempt_sealer *sealer, uint64_t job_id, char *key_name)
{
    give(sealer, ORDER_BEGIN, (struct execution_key){.job_id = job_id}, key_name);
}

void attempt_sealer_attempt_ended(struct attempt_sealer *sealer, const struct execution_key *key)
{
    give(sealer, ORDER_ATTEMPT, *key, NULL);
}

void attempt_sealer_end(struct attempt_sealer *sealer, uint64_t job_id)
{
    give(sealer, ORDER_END, (struct execution_key){.job_id = job_id}, NULL);
}

/* ---- life ---- */

int attempt_sealer_create(const struct process_config *config, struct attempt_sealer **ret_sealer, struct err *err)
{
    struct attempt_sealer *sealer = calloc(1, sizeof *sealer);

    if (!sealer) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    sealer->config = config;
    sealer->last_next = &sealer->first;
    worker_cond_init(&sealer->changed);
    (void)pthread_mutex_init(&sealer->mutex, NULL);
    if (worker_thread_start("sealer", run, sealer, &sealer->thread, err) != 0) {
        free(sealer);
        return -1;
    }
    *ret_sealer = sealer;
    return 0;
}

void attempt_sealer_destroy(struct attempt_sealer *sealer)
{
    if (!sealer) {
        return;
    }
    pthread_mutex_lock(&sealer->mutex);
    atomic_store(&sealer->quits, 1);
    pthread_cond_signal(&sealer->changed);
    pthread_mutex_unlock(&sealer->mutex);
    (void)pthread_join(sealer->thread, NULL);
    while (sealer->first) {
        struct order *order = sealer->first;

        sealer->first = order->next;
        free_order(order);
    }
    tdestroy(sealer->living, free_living);
    pthread_cond_destroy(&sealer->changed);
    pthread_mutex_destroy(&sealer->mutex);
    free(sealer);
}
