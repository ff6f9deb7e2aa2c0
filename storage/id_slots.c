#include "storage/id_slots.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "storage/reclaim.h"

#define CHUNK_SLOTS 512u
#define DIRECTORY_CHUNKS_MIN 8u

struct slot {
    uint64_t id; /* written before the slot counts in used; constant then */
    _Atomic(struct store_version *) version;
};

struct chunk {
    _Atomic uint32_t used; /* at least 1 when published, so that slots[0].id is the chunk's first id */
    uint32_t live;         /* writer's */
    struct slot slots[CHUNK_SLOTS];
};

struct directory {
    _Atomic uint32_t count;
    uint32_t capacity;
    _Atomic(struct chunk *) chunks[];
};

struct id_slots {
    _Atomic(struct directory *) directory; /* never NULL */
};

/* ---- reading ---- */

static struct chunk *chunk_at(const struct directory *directory, uint32_t index)
{
    return atomic_load_explicit(&directory->chunks[index], memory_order_acquire);
}

static uint32_t count_of(const struct directory *directory)
{
    return atomic_load_explicit(&directory->count, memory_order_acquire);
}

static uint32_t used_of(const struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->used, memory_order_acquire);
}

/* How many chunks begin with an id that is at most id. */
static uint32_t chunks_up_to(const struct directory *directory, uint32_t count, uint64_t id)
{
    uint32_t low = 0;

    while (low < count) {
        uint32_t middle = low + (count - low) / 2;

        if (chunk_at(directory, middle)->slots[0].id <= id) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

/* The first slot whose id is at least id; used when there is none. */
static uint32_t slots_below(const struct chunk *chunk, uint32_t used, uint64_t id)
{
    uint32_t low = 0;

    while (low < used) {
        uint32_t middle = low + (used - low) / 2;

        if (chunk->slots[middle].id < id) {
            low = middle + 1;
        } else {
            used = middle;
        }
    }
    return low;
}

bool id_slots_scan_down(const struct id_slots *slots, uint64_t *before, uint32_t budget, id_slots_visit_fn visit,
                        void *context)
{
    const struct directory *directory = atomic_load_explicit(&slots->directory, memory_order_acquire);
    uint64_t bound = *before;
    uint32_t index = bound > 0 ? chunks_up_to(directory, count_of(directory), bound - 1) : 0;

    while (index > 0) {
        const struct chunk *chunk = chunk_at(directory, --index);
        uint32_t at = slots_below(chunk, used_of(chunk), bound);

        while (at > 0) {
            const struct slot *slot = &chunk->slots[--at];
            struct store_version *version = atomic_load_explicit(&slot->version, memory_order_acquire);

            *before = slot->id;
            if (version && !visit(context, version)) {
                return false;
            }
            if (--budget == 0) {
                return true;
            }
        }
    }
    return false;
}

bool id_slots_scan_up(const struct id_slots *slots, uint64_t *after, uint32_t budget, id_slots_visit_fn visit,
                      void *context)
{
    const struct directory *directory = atomic_load_explicit(&slots->directory, memory_order_acquire);
    uint64_t bound = *after;
    uint32_t count = count_of(directory);
    uint32_t index = chunks_up_to(directory, count, bound);

    if (bound == UINT64_MAX) {
        return false;
    }
    for (index -= index > 0 ? 1 : 0; index < count; index++) {
        const struct chunk *chunk = chunk_at(directory, index);
        uint32_t used = used_of(chunk);

        for (uint32_t at = slots_below(chunk, used, bound + 1); at < used; at++) {
            const struct slot *slot = &chunk->slots[at];
            struct store_version *version = atomic_load_explicit(&slot->version, memory_order_acquire);

            *after = slot->id;
            if (version && !visit(context, version)) {
                return false;
            }
            if (--budget == 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- writing ---- */

static struct directory *directory_create(uint32_t capacity)
{
    struct directory *directory = calloc(1, sizeof *directory + capacity * sizeof directory->chunks[0]);

    if (directory) {
        directory->capacity = capacity;
    }
    return directory;
}

struct id_slots *id_slots_create(void)
{
    struct id_slots *slots = calloc(1, sizeof *slots);
    struct directory *directory = directory_create(DIRECTORY_CHUNKS_MIN);

    if (!slots || !directory) {
        free(slots);
        free(directory);
        return NULL;
    }
    atomic_init(&slots->directory, directory);
    return slots;
}

static struct directory *current(const struct id_slots *slots)
{
    return atomic_load_explicit(&slots->directory, memory_order_relaxed);
}

void id_slots_destroy(struct id_slots *slots)
{
    if (!slots) {
        return;
    }
    for (uint32_t i = 0; i < count_of(current(slots)); i++) {
        free(chunk_at(current(slots), i));
    }
    free(current(slots));
    free(slots);
}

uint64_t id_slots_memory_bytes(const struct id_slots *slots)
{
    const struct directory *directory = current(slots);

    return sizeof *directory + directory->capacity * sizeof directory->chunks[0] +
           count_of(directory) * (uint64_t)sizeof(struct chunk);
}

/* The writer's, on a chunk that is not yet published or on the last one. */
static void chunk_append(struct chunk *chunk, uint64_t id, struct store_version *version)
{
    uint32_t used = atomic_load_explicit(&chunk->used, memory_order_relaxed);

    chunk->slots[used].id = id;
    atomic_store_explicit(&chunk->slots[used].version, version, memory_order_release);
    chunk->live++;
    atomic_store_explicit(&chunk->used, used + 1, memory_order_release);
}

/* Appends the live slots [from, to) of a chunk to another. */
static void chunk_copy(struct chunk *into, const struct chunk *chunk, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct store_version *version = atomic_load_explicit(&chunk->slots[i].version, memory_order_relaxed);

        if (version) {
            chunk_append(into, chunk->slots[i].id, version);
        }
    }
}

/* Puts new_count chunks in the place of old_count at index; the old ones are given back in time. */
static bool replace_chunks(struct id_slots *slots, uint32_t index, uint32_t old_count, struct chunk **chunks,
                           uint32_t new_count, struct reclaim *reclaim)
{
    struct directory *old = current(slots);
    uint32_t count = count_of(old);
    uint32_t after = count - old_count + new_count;
    uint32_t capacity = DIRECTORY_CHUNKS_MIN;
    struct directory *directory;

    while (capacity < after + after / 2 + 1) {
        capacity *= 2;
    }
    directory = directory_create(capacity);
    if (!directory) {
        return false;
    }
    for (uint32_t i = 0; i < after; i++) {
        struct chunk *chunk = i < index               ? chunk_at(old, i)
                              : i < index + new_count ? chunks[i - index]
                                                      : chunk_at(old, i - new_count + old_count);

        atomic_init(&directory->chunks[i], chunk);
    }
    atomic_init(&directory->count, after);
    atomic_store_explicit(&slots->directory, directory, memory_order_release);
    for (uint32_t i = index; i < index + old_count; i++) {
        reclaim_defer(reclaim, chunk_at(old, i), free);
    }
    reclaim_defer(reclaim, old, free);
    return true;
}

/* Merges two neighbours into one when that leaves room enough not to do it again soon. */
static bool merge(struct id_slots *slots, uint32_t left, struct reclaim *reclaim)
{
    struct directory *directory = current(slots);
    struct chunk *first = chunk_at(directory, left);
    struct chunk *second = chunk_at(directory, left + 1);
    struct chunk *merged;

    if (first->live + second->live > CHUNK_SLOTS / 2) {
        return false;
    }
    merged = calloc(1, sizeof *merged);
    if (!merged) {
        return false;
    }
    chunk_copy(merged, first, 0, used_of(first));
    chunk_copy(merged, second, 0, used_of(second));
    if (!replace_chunks(slots, left, 2, &merged, 1, reclaim)) {
        free(merged);
        return false;
    }
    return true;
}

/* Drops or merges the chunk when it has become empty or sparse. The last one is left: it still fills. Not to find
 * memory for it is no failure: the chunk stays as it is, and is as right. */
static void tidy(struct id_slots *slots, uint32_t index, struct reclaim *reclaim)
{
    struct directory *directory = current(slots);
    uint32_t count = count_of(directory);
    struct chunk *chunk = chunk_at(directory, index);

    if (index + 1 >= count || chunk->live > CHUNK_SLOTS / 4) {
        return;
    }
    if (chunk->live == 0) {
        (void)replace_chunks(slots, index, 1, NULL, 0, reclaim);
    } else if (!(index > 0 && merge(slots, index - 1, reclaim)) && index + 2 < count) {
        (void)merge(slots, index, reclaim);
    }
}

static bool append_chunk(struct id_slots *slots, struct chunk *chunk, struct reclaim *reclaim)
{
    struct directory *directory = current(slots);
    uint32_t count = count_of(directory);

    if (count == directory->capacity) {
        return replace_chunks(slots, count, 0, &chunk, 1, reclaim);
    }
    atomic_store_explicit(&directory->chunks[count], chunk, memory_order_release);
    atomic_store_explicit(&directory->count, count + 1, memory_order_release);
    return true;
}

/* A new highest id. */
static int append(struct id_slots *slots, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                  struct err *err)
{
    uint32_t count = count_of(current(slots));
    struct chunk *last = count > 0 ? chunk_at(current(slots), count - 1) : NULL;
    struct chunk *chunk;

    if (last && used_of(last) < CHUNK_SLOTS) {
        chunk_append(last, id, version);
        return 0;
    }
    chunk = calloc(1, sizeof *chunk);
    if (chunk) {
        chunk_append(chunk, id, version);
    }
    if (!chunk || !append_chunk(slots, chunk, reclaim)) {
        free(chunk);
        return err_set(err, ERR_EXHAUSTED, "no memory for the list of ids");
    }
    if (count > 0) {
        tidy(slots, count - 1, reclaim); /* it was the last until now, and may have emptied meanwhile */
    }
    return 0;
}

/* An id between others: a copy of the chunk with it, or two halves when it does not fit. */
static int insert(struct id_slots *slots, uint32_t index, uint32_t at, uint64_t id, struct store_version *version,
                  struct reclaim *reclaim, struct err *err)
{
    struct chunk *old = chunk_at(current(slots), index);
    bool split = old->live >= CHUNK_SLOTS * 3 / 4;
    struct chunk *chunks[2] = {calloc(1, sizeof *old), split ? calloc(1, sizeof *old) : NULL};
    uint32_t used = used_of(old);
    uint32_t half = used / 2;

    if (!chunks[0] || (split && !chunks[1])) {
        free(chunks[0]);
        free(chunks[1]);
        return err_set(err, ERR_EXHAUSTED, "no memory for the list of ids");
    }
    if (!split) {
        half = used;
    }
    chunk_copy(chunks[0], old, 0, at < half ? at : half);
    if (at <= half) {
        chunk_append(chunks[0], id, version);
    }
    if (at < half) {
        chunk_copy(chunks[0], old, at, half);
    }
    if (split) {
        chunk_copy(chunks[1], old, half, at > half ? at : half);
        if (at > half) {
            chunk_append(chunks[1], id, version);
        }
        chunk_copy(chunks[1], old, at > half ? at : half, used);
    }
    if (!replace_chunks(slots, index, 1, chunks, split ? 2 : 1, reclaim)) {
        free(chunks[0]);
        free(chunks[1]);
        return err_set(err, ERR_EXHAUSTED, "no memory for the list of ids");
    }
    return 0;
}

int id_slots_put(struct id_slots *slots, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                 struct store_version **ret_old, struct err *err)
{
    struct directory *directory = current(slots);
    uint32_t count = count_of(directory);
    uint32_t index = chunks_up_to(directory, count, id);
    struct store_version *old = NULL;
    struct chunk *chunk;
    uint32_t at;

    index -= index > 0 ? 1 : 0;
    chunk = count > 0 ? chunk_at(directory, index) : NULL;
    at = chunk ? slots_below(chunk, used_of(chunk), id) : 0;
    if (chunk && at < used_of(chunk) && chunk->slots[at].id == id) {
        old = atomic_exchange_explicit(&chunk->slots[at].version, version, memory_order_acq_rel);
        chunk->live += old ? 0 : 1;
    } else if (!chunk || (index + 1 == count && at == used_of(chunk))) {
        if (append(slots, id, version, reclaim, err) != 0) {
            return -1;
        }
    } else if (insert(slots, index, at, id, version, reclaim, err) != 0) {
        return -1;
    }
    *ret_old = old;
    return 0;
}

struct store_version *id_slots_remove(struct id_slots *slots, uint64_t id, struct reclaim *reclaim)
{
    struct directory *directory = current(slots);
    uint32_t index = chunks_up_to(directory, count_of(directory), id);
    struct store_version *old;
    struct chunk *chunk;
    uint32_t at;

    if (index == 0) {
        return NULL;
    }
    chunk = chunk_at(directory, --index);
    at = slots_below(chunk, used_of(chunk), id);
    if (at == used_of(chunk) || chunk->slots[at].id != id) {
        return NULL;
    }
    old = atomic_exchange_explicit(&chunk->slots[at].version, NULL, memory_order_acq_rel);
    if (old) {
        chunk->live--;
        tidy(slots, index, reclaim);
    }
    return old;
}
