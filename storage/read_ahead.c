#include "storage/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "storage/wal_segment.h"
#include "storage/worker.h"

/* Parts read, or being read, before they are asked for. */
#define PARTS_AHEAD 3
/* Buffers kept for the next part; more are held only while somebody works on them. */
#define FREE_BUFFERS_MAX 8

struct read_buffer {
    struct read_ahead *owner;
    struct read_buffer *next; /* in the list of free ones */
    size_t capacity;          /* without headroom */
    uint32_t holds;           /* under the owner's mutex */
    char *memory;
};

/* One part on its way. */
struct read_job {
    struct worker_job job; /* first */
    struct read_ahead *ahead;
    int file;
    uint64_t offset; /* wanted from here; part is the reading thread's until done */
    size_t wanted;
    struct read_part part;
    int result;
    struct err err;
    bool done; /* under the mutex */
};

struct read_ahead {
    const struct fs *fs;
    struct worker *worker; /* NULL: none yet, or none to be had */
    int file;
    uint64_t file_bytes;
    uint64_t next_offset; /* of the next part to ask for */
    struct read_job jobs[PARTS_AHEAD];
    uint32_t first; /* jobs[first % PARTS_AHEAD] is the oldest on its way */
    uint32_t count;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    struct read_buffer *free_buffers; /* below: under mutex */
    uint32_t free_count;
};

struct read_ahead *read_ahead_create(const struct fs *fs)
{
    struct read_ahead *ahead = calloc(1, sizeof *ahead);

    if (ahead) {
        ahead->fs = fs;
        pthread_mutex_init(&ahead->mutex, NULL);
        pthread_cond_init(&ahead->done, NULL);
    }
    return ahead;
}

/* ---- buffers ---- */

static void buffer_free(struct read_buffer *buffer)
{
    free(buffer->memory);
    free(buffer);
}

static struct read_buffer *take_free_buffer(struct read_ahead *ahead)
{
    struct read_buffer *buffer;

    pthread_mutex_lock(&ahead->mutex);
    buffer = ahead->free_buffers;
    if (buffer) {
        ahead->free_buffers = buffer->next;
        ahead->free_count--;
        buffer->holds = 1;
    }
    pthread_mutex_unlock(&ahead->mutex);
    return buffer;
}

/* With one hold. */
static struct read_buffer *buffer_create(struct read_ahead *ahead, size_t size, struct err *err)
{
    size_t capacity = size > READ_PART_BYTES ? size : READ_PART_BYTES;
    struct read_buffer *buffer = capacity == READ_PART_BYTES ? take_free_buffer(ahead) : NULL;

    if (buffer) {
        return buffer;
    }
    buffer = calloc(1, sizeof *buffer);
    if (buffer) {
        buffer->memory = wal_segment_buffer(READ_HEADROOM_BYTES + capacity);
    }
    if (!buffer || !buffer->memory) {
        free(buffer);
        err_set(err, ERR_EXHAUSTED, "no memory to read %zu bytes", size);
        return NULL;
    }
    buffer->owner = ahead;
    buffer->capacity = capacity;
    buffer->holds = 1;
    return buffer;
}

struct read_buffer *read_buffer_hold(struct read_buffer *buffer)
{
    pthread_mutex_lock(&buffer->owner->mutex);
    buffer->holds++;
    pthread_mutex_unlock(&buffer->owner->mutex);
    return buffer;
}

void read_buffer_unhold(struct read_buffer *buffer)
{
    struct read_ahead *ahead = buffer ? buffer->owner : NULL;
    bool is_last;

    if (!buffer) {
        return;
    }
    pthread_mutex_lock(&ahead->mutex);
    is_last = --buffer->holds == 0;
    if (is_last && buffer->capacity == READ_PART_BYTES && ahead->free_count < FREE_BUFFERS_MAX) {
        buffer->next = ahead->free_buffers;
        ahead->free_buffers = buffer;
        ahead->free_count++;
        is_last = false;
    }
    pthread_mutex_unlock(&ahead->mutex);
    if (is_last) {
        buffer_free(buffer);
    }
}

/* ---- reading ---- */

int read_ahead_now(struct read_ahead *ahead, int file, uint64_t offset, size_t size, struct read_part *ret_part,
                   struct err *err)
{
    struct read_part part = {.buffer = buffer_create(ahead, size, err), .offset = offset};

    if (!part.buffer) {
        return -1;
    }
    part.bytes = part.buffer->memory + READ_HEADROOM_BYTES;
    if (ahead->fs->read_at(ahead->fs, file, part.bytes, size, offset, &part.size, err) != 0) {
        read_buffer_unhold(part.buffer);
        return -1;
    }
    *ret_part = part;
    return 0;
}

static void run_job(struct worker_job *job)
{
    struct read_job *read = (struct read_job *)job;
    struct read_ahead *ahead = read->ahead;

    read->result = read_ahead_now(ahead, read->file, read->offset, read->wanted, &read->part, &read->err);
    pthread_mutex_lock(&ahead->mutex);
    read->done = true;
    pthread_cond_signal(&ahead->done);
    pthread_mutex_unlock(&ahead->mutex);
}

static void post(struct read_ahead *ahead)
{
    while (ahead->count < PARTS_AHEAD && ahead->next_offset < ahead->file_bytes) {
        struct read_job *read = &ahead->jobs[(ahead->first + ahead->count) % PARTS_AHEAD];
        uint64_t left = wal_round_up(ahead->file_bytes - ahead->next_offset);

        *read = (struct read_job){.job = {.run = run_job}, .ahead = ahead, .file = ahead->file};
        read->wanted = left < READ_PART_BYTES ? (size_t)left : READ_PART_BYTES;
        read->offset = ahead->next_offset;
        ahead->next_offset += read->wanted;
        ahead->count++;
        worker_post(ahead->worker, &read->job);
    }
}

/* Waits for the oldest part on its way, and takes it out. */
static struct read_job *take(struct read_ahead *ahead)
{
    struct read_job *read = &ahead->jobs[ahead->first % PARTS_AHEAD];

    pthread_mutex_lock(&ahead->mutex);
    while (!read->done) {
        pthread_cond_wait(&ahead->done, &ahead->mutex);
    }
    pthread_mutex_unlock(&ahead->mutex);
    ahead->first++;
    ahead->count--;
    return read;
}

void read_ahead_start(struct read_ahead *ahead, int file, uint64_t file_bytes, uint64_t offset)
{
    struct err ignored = ERR_INIT;

    read_ahead_stop(ahead);
    /* A thread is worth it when there is more than one part to read. */
    if (offset >= file_bytes || (!ahead->worker && file_bytes - offset <= READ_PART_BYTES)) {
        return;
    }
    if (!ahead->worker && worker_create("store-read", &ahead->worker, &ignored) != 0) {
        return;
    }
    ahead->file = file;
    ahead->file_bytes = file_bytes;
    ahead->next_offset = offset;
    post(ahead);
}

void read_ahead_stop(struct read_ahead *ahead)
{
    while (ahead->count > 0) {
        struct read_job *read = take(ahead);

        if (read->result == 0) {
            read_buffer_unhold(read->part.buffer);
        }
    }
    ahead->next_offset = ahead->file_bytes;
}

bool read_ahead_is_at(const struct read_ahead *ahead, uint64_t offset)
{
    return ahead->count > 0 && ahead->jobs[ahead->first % PARTS_AHEAD].offset == offset;
}

int read_ahead_next(struct read_ahead *ahead, struct read_part *ret_part, struct err *err)
{
    struct read_job *read = take(ahead);
    struct read_part part = read->part;

    if (read->result != 0) {
        *err = read->err;
        read_ahead_stop(ahead);
        return -1;
    }
    post(ahead); /* may be in the taken job's place */
    *ret_part = part;
    return 0;
}

void read_ahead_destroy(struct read_ahead *ahead)
{
    if (!ahead) {
        return;
    }
    read_ahead_stop(ahead);
    worker_destroy(ahead->worker);
    while (ahead->free_buffers) {
        struct read_buffer *buffer = ahead->free_buffers;

        ahead->free_buffers = buffer->next;
        buffer_free(buffer);
    }
    pthread_cond_destroy(&ahead->done);
    pthread_mutex_destroy(&ahead->mutex);
    free(ahead);
}
