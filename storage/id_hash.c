#include "storage/id_hash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "storage/reclaim.h"
#include "storage/store.h"

#define SHARD_BITS 10
#define SHARDS (1u << SHARD_BITS)
#define TAG_BITS 16
#define POINTER_BITS 48
#define POINTER_MASK ((UINT64_C(1) << POINTER_BITS) - 1)
#define WORDS_MIN 8u
/* What stands in a word that held a version: a probe goes on behind it. No pointer is this small. */
#define REMOVED UINT64_C(1)

/* Tag in the upper bits, pointer in the lower; 0: empty, where a probe ends. */
typedef _Atomic uint64_t cell;

struct cells {
    uint32_t capacity;
    cell at[];
};

struct shard {
    _Atomic(struct cells *) cells; /* NULL: empty */
    uint32_t live;                 /* writer's: versions */
    uint32_t used;                 /* writer's: versions and removed */
};

struct id_hash {
    struct shard shards[SHARDS];
};

/* Ids are clock readings; their low and high bits are anything but random. */
static uint64_t mix(uint64_t id)
{
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    return id ^ id >> 32;
}

static uint64_t shard_number(uint64_t mixed)
{
    return mixed >> (64 - SHARD_BITS);
}

static uint64_t tag_of(uint64_t mixed)
{
    return mixed >> (64 - SHARD_BITS - TAG_BITS) & ((1u << TAG_BITS) - 1);
}

static struct store_version *version_of(uint64_t word)
{
    return (struct store_version *)(uintptr_t)(word & POINTER_MASK);
}

struct id_hash *id_hash_create(void)
{
    return calloc(1, sizeof(struct id_hash));
}

void id_hash_destroy(struct id_hash *hash)
{
    if (!hash) {
        return;
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        free(atomic_load_explicit(&hash->shards[i].cells, memory_order_relaxed));
    }
    free(hash);
}

/* Where a probe begins: in the order of tags, so that an array is copied into a larger one from front to back. */
static uint32_t home(const struct cells *cells, uint64_t tag)
{
    return (uint32_t)(tag * cells->capacity >> TAG_BITS);
}

static uint32_t next(const struct cells *cells, uint32_t at)
{
    return at + 1 < cells->capacity ? at + 1 : 0;
}

/* The cell of id, or NULL. A version is looked at only where the tag is the same. */
static cell *cell_of(struct cells *cells, uint64_t id, uint64_t mixed, struct store_version **ret_version)
{
    uint64_t tag = tag_of(mixed);

    for (uint32_t i = home(cells, tag);; i = next(cells, i)) {
        uint64_t word = atomic_load_explicit(&cells->at[i], memory_order_acquire);

        if (word == 0) {
            return NULL;
        }
        if (word != REMOVED && word >> POINTER_BITS == tag && store_version_id(version_of(word)) == id) {
            *ret_version = version_of(word);
            return &cells->at[i];
        }
    }
}

struct store_version *id_hash_find(const struct id_hash *hash, uint64_t id)
{
    uint64_t mixed = mix(id);
    struct cells *cells = atomic_load_explicit(&hash->shards[shard_number(mixed)].cells, memory_order_acquire);
    struct store_version *version = NULL;

    return cells && cell_of(cells, id, mixed, &version) ? version : NULL;
}

void id_hash_prefetch(const struct id_hash *hash, uint64_t id)
{
    uint64_t mixed = mix(id);
    const struct cells *cells = atomic_load_explicit(&hash->shards[shard_number(mixed)].cells, memory_order_relaxed);

    if (cells) {
        __builtin_prefetch(&cells->at[home(cells, tag_of(mixed))], 1);
    }
}

/* The first cell of the probe that holds no version. */
static cell *free_cell(struct cells *cells, uint64_t tag)
{
    for (uint32_t i = home(cells, tag);; i = next(cells, i)) {
        uint64_t word = atomic_load_explicit(&cells->at[i], memory_order_relaxed);

        if (word == 0 || word == REMOVED) {
            return &cells->at[i];
        }
    }
}

/* Moves the shard to a new array, five eighths full with one more, and without removed marks. */
static bool rebuild(struct shard *shard, struct reclaim *reclaim)
{
    struct cells *old = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    uint32_t capacity = (shard->live + 1) * 8 / 5 + 1;
    struct cells *cells;

    capacity = capacity > WORDS_MIN ? capacity : WORDS_MIN;
    cells = calloc(1, sizeof *cells + capacity * sizeof cells->at[0]);
    if (!cells) {
        return false;
    }
    cells->capacity = capacity;
    for (uint32_t i = 0; old && i < old->capacity; i++) {
        uint64_t word = atomic_load_explicit(&old->at[i], memory_order_relaxed);

        if (word != 0 && word != REMOVED) {
            atomic_store_explicit(free_cell(cells, word >> POINTER_BITS), word, memory_order_relaxed);
        }
    }
    shard->used = shard->live;
    atomic_store_explicit(&shard->cells, cells, memory_order_release);
    if (old) {
        reclaim_defer(reclaim, old, free);
    }
    return true;
}

int id_hash_put(struct id_hash *hash, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                struct err *err)
{
    uint64_t mixed = mix(id);
    struct shard *shard = &hash->shards[shard_number(mixed)];
    struct cells *cells = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    uint64_t word = tag_of(mixed) << POINTER_BITS | (uint64_t)(uintptr_t)version;
    struct store_version *old;
    cell *at = cells ? cell_of(cells, id, mixed, &old) : NULL;

    if ((uint64_t)(uintptr_t)version > POINTER_MASK) {
        return err_set(err, ERR_UNSUPPORTED, "memory lies at addresses above 48 bits");
    }
    if (at) {
        atomic_store_explicit(at, word, memory_order_release);
        return 0;
    }
    /* Above three quarters probes get long; and an empty cell must remain. */
    if (!cells || (shard->used + 1) * UINT64_C(4) > cells->capacity * UINT64_C(3)) {
        if (!rebuild(shard, reclaim)) {
            return err_set(err, ERR_EXHAUSTED, "no memory for the index of ids");
        }
        cells = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    }
    at = free_cell(cells, tag_of(mixed));
    shard->used += atomic_load_explicit(at, memory_order_relaxed) == REMOVED ? 0 : 1;
    shard->live++;
    atomic_store_explicit(at, word, memory_order_release);
    return 0;
}

void id_hash_remove(struct id_hash *hash, uint64_t id, struct reclaim *reclaim)
{
    uint64_t mixed = mix(id);
    struct shard *shard = &hash->shards[shard_number(mixed)];
    struct cells *cells = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    struct store_version *old;
    cell *at = cells ? cell_of(cells, id, mixed, &old) : NULL;

    if (!at) {
        return;
    }
    atomic_store_explicit(at, REMOVED, memory_order_release);
    shard->live--;
    if (shard->live * 4 < cells->capacity && cells->capacity > WORDS_MIN) {
        /* Without memory for the smaller array the larger one stays, and is as right. */
        (void)rebuild(shard, reclaim);
    }
}

uint64_t id_hash_memory_bytes(const struct id_hash *hash)
{
    uint64_t bytes = sizeof *hash;

    for (unsigned i = 0; i < SHARDS; i++) {
        const struct cells *cells = atomic_load_explicit(&hash->shards[i].cells, memory_order_relaxed);

        bytes += cells ? sizeof *cells + cells->capacity * (uint64_t)sizeof cells->at[0] : 0;
    }
    return bytes;
}
