#include "storage/wal_spare.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "storage/wal_segment.h"
#include "storage/worker.h"

struct ready_spare {
    uint64_t number;
    bool recycled;
};

/* Files that wait to be removed; more are removed at once. */
#define SURPLUS_MAX 64
/* Wants that a failure lets pass: each commit wants one, and a full disk would be asked by each. */
#define WANTS_AFTER_FAILURE 256

struct wal_spare {
    struct worker_job job; /* first; the making of one */
    struct worker_job clearing;
    const struct fs *fs;
    char *dir;
    uint64_t segment_bytes;
    struct worker *worker; /* started when there is something to do: a small store never has one */
    uint64_t next_number;  /* of a spare's name; no other spare has had it */
    uint64_t making_number;
    pthread_mutex_t mutex;
    bool making; /* below: under mutex */
    uint32_t wants_to_pass;
    struct ready_spare ready[WAL_SPARES_MAX];
    size_t ready_count;
    size_t kept;
    uint64_t surplus[SURPLUS_MAX]; /* numbers of spares that nobody wants */
    size_t surplus_count;
    bool is_clearing;
    pthread_cond_t cleared;
};

int wal_spare_create(const struct fs *fs, const char *dir, uint64_t segment_bytes, struct wal_spare **ret_spare,
                     struct err *err)
{
    struct wal_spare *spare = calloc(1, sizeof *spare);
    char *copy = strdup(dir);

    if (!spare || !copy) {
        free(spare);
        free(copy);
        return err_set(err, ERR_EXHAUSTED, "no memory for the log");
    }
    spare->fs = fs;
    spare->dir = copy;
    spare->segment_bytes = segment_bytes;
    spare->next_number = 1;
    spare->kept = WAL_SPARES_MIN;
    pthread_mutex_init(&spare->mutex, NULL);
    pthread_cond_init(&spare->cleared, NULL);
    *ret_spare = spare;
    return 0;
}

void wal_spare_destroy(struct wal_spare *spare)
{
    if (!spare) {
        return;
    }
    worker_destroy(spare->worker);
    pthread_cond_destroy(&spare->cleared);
    pthread_mutex_destroy(&spare->mutex);
    free(spare->dir);
    free(spare);
}

void wal_spare_expect(struct wal_spare *spare, uint64_t log_bytes)
{
    uint64_t count = WAL_SPARES_MIN + log_bytes / spare->segment_bytes;

    pthread_mutex_lock(&spare->mutex);
    spare->kept = count < WAL_SPARES_MAX ? (size_t)count : WAL_SPARES_MAX;
    pthread_mutex_unlock(&spare->mutex);
}

/* True when there was room. */
static bool add_ready(struct wal_spare *spare, uint64_t number, bool recycled)
{
    bool room;

    pthread_mutex_lock(&spare->mutex);
    room = spare->ready_count < spare->kept;
    if (room) {
        spare->ready[spare->ready_count].number = number;
        spare->ready[spare->ready_count].recycled = recycled;
        spare->ready_count++;
    }
    pthread_mutex_unlock(&spare->mutex);
    return room;
}

/* On the worker's thread. A failure leaves no spare; the writer will meet its cause itself and tell it. */
static void make_spare(struct worker_job *job)
{
    struct wal_spare *spare = (struct wal_spare *)job;
    struct data_dir_path path = data_dir_spare(spare->dir, spare->making_number);
    struct data_dir_path tmp = data_dir_tmp(&path);
    struct err err = ERR_INIT;
    bool made = wal_segment_make_blank(spare->fs, &tmp, spare->segment_bytes, &err) == 0 &&
                data_dir_publish(spare->fs, spare->dir, &tmp, &path, &err) == 0;

    if (made && !add_ready(spare, spare->making_number, false)) {
        (void)spare->fs->remove(spare->fs, path.text, &err);
    }
    pthread_mutex_lock(&spare->mutex);
    spare->making = false;
    spare->wants_to_pass = made ? 0 : WANTS_AFTER_FAILURE;
    pthread_mutex_unlock(&spare->mutex);
}

static bool has_worker(struct wal_spare *spare)
{
    struct err ignored = ERR_INIT;

    return spare->worker || worker_create("store-spare", &spare->worker, &ignored) == 0;
}

void wal_spare_want(struct wal_spare *spare, size_t count)
{
    bool wanted;

    pthread_mutex_lock(&spare->mutex);
    wanted = !spare->making && spare->ready_count < count;
    if (wanted && spare->wants_to_pass > 0) {
        spare->wants_to_pass--;
        wanted = false;
    }
    pthread_mutex_unlock(&spare->mutex);
    if (!wanted || !has_worker(spare)) {
        return;
    }
    pthread_mutex_lock(&spare->mutex);
    spare->making = true;
    pthread_mutex_unlock(&spare->mutex);
    spare->making_number = spare->next_number++;
    spare->job.run = make_spare;
    worker_post(spare->worker, &spare->job);
}

size_t wal_spare_ready(struct wal_spare *spare)
{
    size_t count;

    pthread_mutex_lock(&spare->mutex);
    count = spare->ready_count;
    pthread_mutex_unlock(&spare->mutex);
    return count;
}

void wal_spare_drop(struct wal_spare *spare)
{
    struct data_dir_path path;
    struct err ignored = ERR_INIT;
    uint64_t bytes;
    bool recycled;

    while (wal_spare_take(spare, &path, &bytes, &recycled)) {
        (void)spare->fs->remove(spare->fs, path.text, &ignored); /* the next start removes what stays */
    }
}

bool wal_spare_take(struct wal_spare *spare, struct data_dir_path *ret_path, uint64_t *ret_bytes, bool *ret_recycled)
{
    struct ready_spare taken = {0, false};
    bool there;

    pthread_mutex_lock(&spare->mutex);
    there = spare->ready_count > 0;
    if (there) {
        taken = spare->ready[--spare->ready_count];
    }
    pthread_mutex_unlock(&spare->mutex);
    if (there) {
        *ret_path = data_dir_spare(spare->dir, taken.number);
        *ret_bytes = spare->segment_bytes;
        *ret_recycled = taken.recycled;
    }
    return there;
}

static int size_of_file(const struct fs *fs, const char *path, uint64_t *ret_bytes, struct err *err)
{
    int file;
    int result;

    if (fs->open(fs, path, FS_READ, &file, err) != 0) {
        return -1;
    }
    result = fs->size(fs, file, ret_bytes, err);
    fs->close(fs, file);
    return result;
}

/* On the worker's thread: a file system may take ten milliseconds for it, in which the log would stand still. */
static void clear_surplus(struct worker_job *job)
{
    struct wal_spare *spare = (struct wal_spare *)((char *)job - offsetof(struct wal_spare, clearing));
    struct err ignored = ERR_INIT;

    for (;;) {
        struct data_dir_path path;

        pthread_mutex_lock(&spare->mutex);
        spare->is_clearing = spare->surplus_count > 0;
        if (!spare->is_clearing) {
            pthread_cond_broadcast(&spare->cleared);
            pthread_mutex_unlock(&spare->mutex);
            return;
        }
        path = data_dir_spare(spare->dir, spare->surplus[--spare->surplus_count]);
        pthread_mutex_unlock(&spare->mutex);
        (void)spare->fs->remove(spare->fs, path.text, &ignored); /* the next start removes what stays */
    }
}

void wal_spare_settle(struct wal_spare *spare)
{
    pthread_mutex_lock(&spare->mutex);
    while (spare->is_clearing) {
        pthread_cond_wait(&spare->cleared, &spare->mutex);
    }
    pthread_mutex_unlock(&spare->mutex);
}

/* Removes the spare file, soon. */
static int give_up(struct wal_spare *spare, uint64_t number, struct err *err)
{
    struct data_dir_path path = data_dir_spare(spare->dir, number);
    bool waits = false;
    bool post = false;

    if (has_worker(spare)) {
        pthread_mutex_lock(&spare->mutex);
        waits = spare->surplus_count < SURPLUS_MAX;
        if (waits) {
            spare->surplus[spare->surplus_count++] = number;
            post = !spare->is_clearing;
            spare->is_clearing = true;
        }
        pthread_mutex_unlock(&spare->mutex);
    }
    if (post) {
        spare->clearing.run = clear_surplus;
        worker_post(spare->worker, &spare->clearing);
    }
    return waits ? 0 : spare->fs->remove(spare->fs, path.text, err);
}

int wal_spare_recycle(struct wal_spare *spare, uint64_t number, struct err *err)
{
    struct data_dir_path segment = data_dir_segment(spare->dir, number);
    uint64_t spare_number = spare->next_number++;
    struct data_dir_path path = data_dir_spare(spare->dir, spare_number);
    uint64_t bytes = 0;

    if (size_of_file(spare->fs, segment.text, &bytes, err) != 0) {
        return -1;
    }
    if (spare->fs->rename(spare->fs, segment.text, path.text, err) != 0) {
        return -1;
    }
    return bytes == spare->segment_bytes && add_ready(spare, spare_number, true) ? 0
                                                                                 : give_up(spare, spare_number, err);
}

int wal_spare_adopt(struct wal_spare *spare, uint64_t number, struct err *err)
{
    struct data_dir_path path = data_dir_spare(spare->dir, number);
    uint64_t bytes = 0;

    if (number >= spare->next_number) {
        spare->next_number = number + 1;
    }
    if (size_of_file(spare->fs, path.text, &bytes, err) != 0) {
        return -1;
    }
    if (bytes == spare->segment_bytes && add_ready(spare, number, true)) {
        return 0;
    }
    return spare->fs->remove(spare->fs, path.text, err);
}
