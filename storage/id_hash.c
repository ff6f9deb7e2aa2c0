#include "storage/id_hash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "storage/reclaim.h"
#include "storage/store.h"

#define SHARD_BITS 8
#define SHARDS (1u << SHARD_BITS)
#define CELLS_MIN 8u

typedef _Atomic(struct store_version *) cell;

struct cells {
    uint32_t capacity; /* a power of two */
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

/* What stands in a cell that held a version: a probe goes on behind it. */
static char removed_mark;
#define REMOVED ((struct store_version *)(void *)&removed_mark)

/* Ids are clock readings; their low and high bits are anything but random. */
static uint64_t mix(uint64_t id)
{
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    return id ^ id >> 32;
}

static struct shard *shard_of(struct id_hash *hash, uint64_t mixed)
{
    return &hash->shards[mixed >> (64 - SHARD_BITS)];
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

/* The cell of id, or NULL. There is always an empty cell, where the probe ends. */
static cell *cell_of(struct cells *cells, uint64_t id, uint64_t mixed, struct store_version **ret_version)
{
    for (uint32_t i = (uint32_t)mixed;; i++) {
        cell *at = &cells->at[i & (cells->capacity - 1)];
        struct store_version *version = atomic_load_explicit(at, memory_order_acquire);

        if (!version) {
            return NULL;
        }
        if (version != REMOVED && store_version_id(version) == id) {
            *ret_version = version;
            return at;
        }
    }
}

struct store_version *id_hash_find(const struct id_hash *hash, uint64_t id)
{
    uint64_t mixed = mix(id);
    const struct shard *shard = &hash->shards[mixed >> (64 - SHARD_BITS)];
    struct cells *cells = atomic_load_explicit(&shard->cells, memory_order_acquire);
    struct store_version *version = NULL;

    return cells && cell_of(cells, id, mixed, &version) ? version : NULL;
}

/* The first cell of the probe that holds no version. */
static cell *free_cell(struct cells *cells, uint64_t mixed)
{
    for (uint32_t i = (uint32_t)mixed;; i++) {
        cell *at = &cells->at[i & (cells->capacity - 1)];
        struct store_version *version = atomic_load_explicit(at, memory_order_relaxed);

        if (!version || version == REMOVED) {
            return at;
        }
    }
}

/* Moves the shard to a new array, half full at most with one more, and without removed marks. */
static bool rebuild(struct shard *shard, struct reclaim *reclaim)
{
    struct cells *old = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    uint32_t capacity = CELLS_MIN;
    struct cells *cells;

    while (capacity < 2 * (shard->live + 1)) {
        capacity *= 2;
    }
    cells = calloc(1, sizeof *cells + capacity * sizeof cells->at[0]);
    if (!cells) {
        return false;
    }
    cells->capacity = capacity;
    for (uint32_t i = 0; old && i < old->capacity; i++) {
        struct store_version *version = atomic_load_explicit(&old->at[i], memory_order_relaxed);

        if (version && version != REMOVED) {
            atomic_store_explicit(free_cell(cells, mix(store_version_id(version))), version, memory_order_relaxed);
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
    struct shard *shard = shard_of(hash, mixed);
    struct cells *cells = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    struct store_version *old;
    cell *at = cells ? cell_of(cells, id, mixed, &old) : NULL;

    if (at) {
        atomic_store_explicit(at, version, memory_order_release);
        return 0;
    }
    /* Above three quarters probes get long; and an empty cell must remain. */
    if (!cells || (shard->used + 1) * 4 > cells->capacity * 3) {
        if (!rebuild(shard, reclaim)) {
            return err_set(err, ERR_EXHAUSTED, "no memory for the index of ids");
        }
        cells = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    }
    at = free_cell(cells, mixed);
    shard->used += atomic_load_explicit(at, memory_order_relaxed) == REMOVED ? 0 : 1;
    shard->live++;
    atomic_store_explicit(at, version, memory_order_release);
    return 0;
}

void id_hash_remove(struct id_hash *hash, uint64_t id, struct reclaim *reclaim)
{
    uint64_t mixed = mix(id);
    struct shard *shard = shard_of(hash, mixed);
    struct cells *cells = atomic_load_explicit(&shard->cells, memory_order_relaxed);
    struct store_version *old;
    cell *at = cells ? cell_of(cells, id, mixed, &old) : NULL;

    if (!at) {
        return;
    }
    atomic_store_explicit(at, REMOVED, memory_order_release);
    shard->live--;
    if (shard->live * 8 < cells->capacity && cells->capacity > CELLS_MIN) {
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
