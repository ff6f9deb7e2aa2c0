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
#include <sys/stat.h>
#include <unistd.h>

#include "executor/attempt_files.h"
#include "executor/log_source.h"
#include "executor/service_log.h"
#include "executor/worker_thread.h"

#define UNFINISHED ".sealing"
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

struct attempt_sealer {
    const struct process_config *config;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct order *first, **last_next; /* guarded by mutex */
    atomic_int quits;                 /* written under mutex */
    void *living;                     /* tree of search.h: ids of jobs that began; the thread's */
    pthread_t thread;
};

/* ---- one file ---- */

static int sync_and_name(int dir_fd, int fd, const char *unfinished, const char *sealed, const char *plain,
                         struct err *err)
{
    if (fsync(fd) != 0 || renameat(dir_fd, unfinished, dir_fd, sealed) != 0 || fsync(dir_fd) != 0 ||
        unlinkat(dir_fd, plain, 0) != 0) {
        return err_set_errno(err, errno, "cannot put a sealed file in its place");
    }
    return 0;
}

static int write_sealed(const struct attempt_sealer *sealer, int dir_fd, const char *name, struct span key_name,
                        const char *role, int from_fd, struct err *err)
{
    char unfinished[64], sealed[64];
    int fd, result;

    (void)snprintf(unfinished, sizeof unfinished, "%s%s", name, UNFINISHED);
    (void)snprintf(sealed, sizeof sealed, "%s%s", name, LOG_SOURCE_SEALED);
    (void)unlinkat(dir_fd, unfinished, 0); /* of a try that a crash ended */
    fd = openat(dir_fd, unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot make a sealed file");
    }
    result = sealed_file_write(sealer->config->keys, key_name, span_of(role), from_fd, fd, err);
    if (result == 0) {
        result = sync_and_name(dir_fd, fd, unfinished, sealed, name, err);
    }
    close(fd);
    if (result != 0) {
        (void)unlinkat(dir_fd, unfinished, 0);
    }
    return result;
}

static int seal_file(const struct attempt_sealer *sealer, int dir_fd, const char *dir, const char *name,
                     struct span key_name, struct err *err)
{
    char role[LOG_SOURCE_PATH_BYTES];
    struct stat status;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), result = 0;

    if (fd < 0) {
        return errno == ENOENT || errno == ELOOP ? 0 : err_set_errno(err, errno, "cannot open %s/%s", dir, name);
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        (void)snprintf(role, sizeof role, "%s/%s", dir, name);
        result = write_sealed(sealer, dir_fd, name, key_name, role, fd, err);
    }
    close(fd);
    return result == 0 ? 0 : err_wrap(err, "%s/%s is not sealed", dir, name);
}

/* Wraps what an old version of the key has wrapped with the new one. */
static int rewrap_file(const struct attempt_sealer *sealer, int dir_fd, const char *name, struct err *err)
{
    char sealed[64];
    bool ignored;
    int fd, result;

    (void)snprintf(sealed, sizeof sealed, "%s%s", name, LOG_SOURCE_SEALED);
    fd = openat(dir_fd, sealed, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    result = sealed_file_rewrap(sealer->config->keys, fd, &ignored, err);
    close(fd);
    return result;
}

/* ---- a job ---- */

static int open_dir(int at_fd, const char *path)
{
    return openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The name in the job's mark; 0 bytes: it has none. */
static size_t read_mark(int job_fd, char name[KEY_NAME_BYTES])
{
    int fd = openat(job_fd, ATTEMPT_SEALER_MARK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, name, KEY_NAME_BYTES - 1) : 0;

    if (fd >= 0) {
        close(fd);
    }
    if (got <= 0 || name[got - 1] != '\n') {
        return 0;
    }
    return (size_t)got - 1;
}

static int write_mark(int job_fd, const char *key_name, struct err *err)
{
    int fd = openat(job_fd, ATTEMPT_SEALER_MARK, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t size = strlen(key_name);
    int result = 0;

    if (fd < 0 || write(fd, key_name, size) != (ssize_t)size || write(fd, "\n", 1) != 1 || fdatasync(fd) != 0 ||
        fsync(job_fd) != 0) {
        result = err_set_errno(err, errno, "cannot mark a job as one to be sealed");
    }
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

/* Whether a supervisor holds the attempt. Only asks: taking the lock is for who decides about the attempt. */
static bool is_held(int dir_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(dir_fd, SUPERVISOR_FILE_LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    bool is_free = fd < 0 ? errno == ENOENT : fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;

    if (fd >= 0) {
        close(fd);
    }
    return !is_free;
}

static const char *const attempt_file_names[] = {SUPERVISOR_FILE_STDOUT, SUPERVISOR_FILE_STDERR, SUPERVISOR_FILE_ARGV,
                                                 SUPERVISOR_FILE_ENV};

/* name: of the attempt's directory, its key. */
static int seal_attempt(const struct attempt_sealer *sealer, int job_fd, const char *name, struct span key_name,
                        struct err *err)
{
    struct execution_key key;
    char dir[ATTEMPT_PATH_BYTES];
    int dir_fd = open_dir(job_fd, name), result = 0;

    if (dir_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the attempt %s", name);
    }
    if (execution_key_parse(span_of(name), &key, err) == 0 && !is_held(dir_fd)) {
        attempt_path(&key, dir);
        for (size_t i = 0; i < sizeof attempt_file_names / sizeof attempt_file_names[0] && result == 0; i++) {
            result = seal_file(sealer, dir_fd, dir, attempt_file_names[i], key_name, err);
            if (result == 0) {
                result = rewrap_file(sealer, dir_fd, attempt_file_names[i], err);
            }
        }
    }
    close(dir_fd);
    return result;
}

static int seal_job(const struct attempt_sealer *sealer, int job_fd, const char *job, struct span key_name,
                    struct err *err)
{
    int fd = openat(job_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct execution_key key;

    if (!dir) {
        err_set_errno(err, errno, "cannot list the attempts of job %s", job);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    while (result == 0 && !atomic_load(&sealer->quits) && (entry = readdir(dir))) {
        struct err no_key = ERR_INIT;

        if (execution_key_parse(span_of(entry->d_name), &key, &no_key) == 0) {
            result = seal_attempt(sealer, job_fd, entry->d_name, key_name, err);
        }
    }
    (void)closedir(dir);
    if (result == 0) {
        result = seal_file(sealer, job_fd, job, SERVICE_LOG_FILE, key_name, err);
    }
    return result == 0 ? rewrap_file(sealer, job_fd, SERVICE_LOG_FILE, err) : -1;
}

/* ---- orders ---- */

static int compare_ids(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* Without memory the sweep seals the job's attempts that have ended; the others are held. */
static void add_living(struct attempt_sealer *sealer, uint64_t job_id)
{
    uint64_t *id = malloc(sizeof *id);
    void *found;

    if (!id) {
        return;
    }
    *id = job_id;
    found = tsearch(id, &sealer->living, compare_ids);
    if (!found || *(uint64_t **)found != id) {
        free(id);
    }
}

static void remove_living(struct attempt_sealer *sealer, uint64_t job_id)
{
    uint64_t *const *found = tfind(&job_id, &sealer->living, compare_ids);
    uint64_t *id = found ? *found : NULL;

    if (id) {
        tdelete(&job_id, &sealer->living, compare_ids);
        free(id);
    }
}

static int begin(struct attempt_sealer *sealer, const struct order *order, struct err *err)
{
    char job[ATTEMPT_PATH_BYTES];
    int job_fd, result;

    add_living(sealer, order->key.job_id);
    if (attempt_make_job_dir(sealer->config, order->key.job_id, err) != 0) {
        return -1;
    }
    attempt_job_path(order->key.job_id, job);
    job_fd = open_dir(sealer->config->attempts_fd, job);
    if (job_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the directory of job %s", job);
    }
    result = write_mark(job_fd, order->key_name, err);
    close(job_fd);
    if (result == 0 && fsync(sealer->config->attempts_fd) != 0) {
        result = err_set_errno(err, errno, "cannot make the mark of job %s durable", job);
    }
    return result;
}

/* attempt NULL: all of the job. */
static int seal(struct attempt_sealer *sealer, const char *job, const char *attempt, struct err *err)
{
    char key_name[KEY_NAME_BYTES];
    int job_fd = open_dir(sealer->config->attempts_fd, job), result = 0;
    size_t size;

    if (job_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the directory of job %s", job);
    }
    size = read_mark(job_fd, key_name);
    if (size > 0) {
        result = attempt ? seal_attempt(sealer, job_fd, attempt, span_make(key_name, size), err)
                         : seal_job(sealer, job_fd, job, span_make(key_name, size), err);
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

        if (job_id != 0 && !tfind(&job_id, &sealer->living, compare_ids) &&
            seal(sealer, entry->d_name, NULL, &one) != 0) {
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
    for (int i = 0; i < HELD_WAITS && !atomic_load(&sealer->quits) && is_held(fd); i++) {
        worker_cond_wait(&sealer->changed, &sealer->mutex, worker_now_mono_ns() + HELD_WAIT_MS * CLOCK_NS_PER_MS);
    }
    pthread_mutex_unlock(&sealer->mutex);
    close(fd);
}

static int carry_out(struct attempt_sealer *sealer, const struct order *order, struct err *err)
{
    char job[ATTEMPT_PATH_BYTES], attempt[EXECUTION_KEY_BYTES];

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
    remove_living(sealer, order->key.job_id);
    attempt_job_path(order->key.job_id, job);
    return seal(sealer, job, NULL, err);
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
    if (worker_thread_start(run, sealer, &sealer->thread, err) != 0) {
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
    tdestroy(sealer->living, free);
    pthread_cond_destroy(&sealer->changed);
    pthread_mutex_destroy(&sealer->mutex);
    free(sealer);
}
