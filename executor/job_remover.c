#include "executor/job_remover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "executor/attempt_dir.h"
#include "executor/leftovers.h"
#include "executor/tree_remove.h"
#include "executor/worker_thread.h"

#define RETRY_MS_FIRST 100
#define RETRY_MS_MAX 30000
/* After three seconds, and then about every hour. */
#define FAILURES_TO_TELL 6
#define FAILURES_TO_TELL_AGAIN 120

struct removal {
    struct removal *next;
    uint64_t job_id;
    int64_t due_mono_ns; /* 0: at once */
    int64_t retry_ms;
    uint32_t failures;
};

struct job_remover {
    const struct process_config *config;
    struct execution_sink sink;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct removal *first, **last_next; /* guarded by mutex */
    atomic_int quits;                   /* written under mutex */
    pthread_t thread;
};

/* Control groups that a supervisor could not remove: they are no files of the tree. */
static void remove_cgroups(int job_fd)
{
    DIR *dir = fdopendir(job_fd);
    const struct dirent *entry;
    struct execution_key key;
    struct err ignored = ERR_INIT;

    if (!dir) {
        close(job_fd);
        return;
    }
    while ((entry = readdir(dir))) {
        int fd = execution_key_parse(span_of(entry->d_name), &key, &ignored) == 0
                     ? openat(job_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                     : -1;

        if (fd >= 0) {
            leftovers_remove_cgroup(fd, entry->d_name);
            close(fd);
        }
    }
    (void)closedir(dir);
}

static bool quits(void *context)
{
    return atomic_load(&((struct job_remover *)context)->quits) != 0;
}

static int remove_job(struct job_remover *remover, uint64_t job_id, struct err *err)
{
    int attempts_fd = remover->config->attempts_fd, job_fd;
    char path[ATTEMPT_PATH_BYTES];

    FAULT_POINT("remove.begun");
    attempt_job_path(job_id, path);
    job_fd = openat(attempts_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (job_fd >= 0) {
        remove_cgroups(job_fd);
    }
    return tree_remove(attempts_fd, path, quits, remover, err);
}

static void tell(const struct job_remover *remover, uint64_t job_id, enum execution_event_kind kind,
                 const char *message)
{
    struct execution_event event = {.kind = kind,
                                    .key = {.job_id = job_id},
                                    .time_unix_ns = clock_wall_unix_ns(remover->config->clock),
                                    .message = message};

    remover->sink.event(remover->sink.context, &event);
}

/* True: nothing is left of it. */
static bool try_removal(struct job_remover *remover, struct removal *removal)
{
    struct err err = ERR_INIT;

    if (remove_job(remover, removal->job_id, &err) == 0) {
        FAULT_POINT("remove.done");
        tell(remover, removal->job_id, EXECUTION_EVENT_REMOVED, "");
        return true;
    }
    removal->failures++;
    if (removal->failures % FAILURES_TO_TELL_AGAIN == FAILURES_TO_TELL && !quits(remover)) {
        tell(remover, removal->job_id, EXECUTION_EVENT_REMOVE_DELAYED, err.text);
    }
    return false;
}

/* Takes the first that is due out of the list, or waits; NULL when it is time to quit. */
static struct removal *next_removal(struct job_remover *remover)
{
    while (!atomic_load(&remover->quits)) {
        int64_t now = worker_now_mono_ns(), earliest = INT64_MAX;

        for (struct removal **at = &remover->first; *at; at = &(*at)->next) {
            struct removal *removal = *at;

            if (removal->due_mono_ns <= now) {
                *at = removal->next;
                remover->last_next = *at ? remover->last_next : at;
                return removal;
            }
            earliest = removal->due_mono_ns < earliest ? removal->due_mono_ns : earliest;
        }
        worker_cond_wait(&remover->changed, &remover->mutex, earliest);
    }
    return NULL;
}

/* At the end of the list: first come, first served. */
static void put_back(struct job_remover *remover, struct removal *removal)
{
    removal->next = NULL;
    *remover->last_next = removal;
    remover->last_next = &removal->next;
}

static void *run(void *context)
{
    struct job_remover *remover = context;
    struct removal *removal;

    pthread_mutex_lock(&remover->mutex);
    while ((removal = next_removal(remover))) {
        bool is_removed;

        pthread_mutex_unlock(&remover->mutex);
        is_removed = try_removal(remover, removal);
        pthread_mutex_lock(&remover->mutex);
        if (is_removed) {
            free(removal);
            continue;
        }
        removal->due_mono_ns = worker_now_mono_ns() + removal->retry_ms * CLOCK_NS_PER_MS;
        removal->retry_ms = removal->retry_ms * 2 < RETRY_MS_MAX ? removal->retry_ms * 2 : RETRY_MS_MAX;
        put_back(remover, removal);
    }
    pthread_mutex_unlock(&remover->mutex);
    return NULL;
}

int job_remover_create(const struct process_config *config, struct execution_sink sink,
                       struct job_remover **ret_remover, struct err *err)
{
    struct job_remover *remover = calloc(1, sizeof *remover);

    if (!remover) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an executor");
    }
    remover->config = config;
    remover->sink = sink;
    remover->last_next = &remover->first;
    worker_cond_init(&remover->changed);
    (void)pthread_mutex_init(&remover->mutex, NULL);
    if (worker_thread_start("job-remover", run, remover, &remover->thread, err) != 0) {
        free(remover);
        return -1;
    }
    *ret_remover = remover;
    return 0;
}

void job_remover_destroy(struct job_remover *remover)
{
    pthread_mutex_lock(&remover->mutex);
    atomic_store(&remover->quits, 1);
    pthread_cond_signal(&remover->changed);
    pthread_mutex_unlock(&remover->mutex);
    (void)pthread_join(remover->thread, NULL);
    while (remover->first) {
        struct removal *removal = remover->first;

        remover->first = removal->next;
        free(removal);
    }
    pthread_cond_destroy(&remover->changed);
    pthread_mutex_destroy(&remover->mutex);
    free(remover);
}

void job_remover_add(struct job_remover *remover, uint64_t job_id)
{
    struct removal *removal = malloc(sizeof *removal);

    if (!removal) {
        return; /* asked for again at the next start */
    }
    *removal = (struct removal){.job_id = job_id, .retry_ms = RETRY_MS_FIRST};
    pthread_mutex_lock(&remover->mutex);
    put_back(remover, removal);
    pthread_cond_signal(&remover->changed);
    pthread_mutex_unlock(&remover->mutex);
}
