#include "storage/block.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "storage/block_order.h"
#include "storage/block_select.h"
#include "storage/reclaim.h"
#include "storage/store.h"
#include "storage/version.h"

/* Dead postings at which a block is worth making anew. */
#define DEAD_POSTINGS_MAX 256

struct slot {
    uint64_t id; /* written before the slot counts in used; constant then */
    _Atomic(struct store_version *) version;
};

struct block {
    uint32_t capacity;
    uint32_t live; /* writer's */
    bool indexed;
    struct block_index index; /* all zero when not indexed */
    struct row_set *live_rows;
    _Atomic(struct block_order *) order; /* NULL: rows came in order */
    _Atomic uint32_t used;
    struct slot slots[];
};

struct block *block_create(const struct block_options *options)
{
    struct block *block = calloc(1, sizeof *block + options->capacity * sizeof block->slots[0]);

    if (!block) {
        return NULL;
    }
    block->capacity = options->capacity;
    block->indexed = options->indexed;
    block->live_rows = row_set_create();
    if (!block->live_rows ||
        (options->indexed && !block_index_create(&block->index, options->seed, options->keys_expected))) {
        block_release(block);
        return NULL;
    }
    return block;
}

void block_release(void *object)
{
    struct block *block = object;

    if (block) {
        block_index_destroy(&block->index);
        free(block->live_rows);
        free(atomic_load_explicit(&block->order, memory_order_relaxed));
        free(block);
    }
}

/* ---- reading ---- */

static uint32_t used_of(const struct block *block)
{
    return atomic_load_explicit(&block->used, memory_order_acquire);
}

static struct store_version *version_of(const struct block *block, uint32_t row)
{
    return atomic_load_explicit(&block->slots[row].version, memory_order_acquire);
}

/* used is read first: an order that is made for a new row is published before it. */
static struct block_places places_of(const struct block *block)
{
    struct block_places in_order = {used_of(block), NULL};
    const struct block_order *order = atomic_load_explicit(&block->order, memory_order_acquire);

    return order ? block_order_places(order) : in_order;
}

static uint32_t place_in(const struct block *block, const struct block_places *places, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = places->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (block->slots[block_places_row(places, middle)].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t block_count(const struct block *block)
{
    return places_of(block).count;
}

uint32_t block_place(const struct block *block, uint64_t id)
{
    struct block_places places = places_of(block);

    return place_in(block, &places, id);
}

uint64_t block_id_at(const struct block *block, uint32_t place)
{
    struct block_places places = places_of(block);

    return block->slots[block_places_row(&places, place)].id;
}

/* ---- visiting ---- */

/* What stands in memory far apart, slot, version, keys, is asked for that many rows ahead of its use, so that waits
 * overlap. */
#define SLOT_AHEAD 24u
#define VERSION_AHEAD 16u
#define KEYS_AHEAD 8u

static void look_ahead(const struct block *block, const struct block_rows_taken *taken, uint32_t at)
{
    if (at + SLOT_AHEAD < taken->count) {
        __builtin_prefetch(&block->slots[taken->rows[at + SLOT_AHEAD]]);
    }
    if (at + VERSION_AHEAD < taken->count) {
        version_prefetch(version_of(block, taken->rows[at + VERSION_AHEAD]));
    }
    if (at + KEYS_AHEAD < taken->count) {
        version_prefetch_keys(version_of(block, taken->rows[at + KEYS_AHEAD]));
    }
}

static bool visit_taken(const struct block *block, const struct block_rows_taken *taken, block_visit_fn visit,
                        void *context, uint32_t *visited)
{
    for (uint32_t i = 0; i < taken->count; i++) {
        struct store_version *version;

        look_ahead(block, taken, i);
        version = version_of(block, taken->rows[i]);
        if (version) {
            ++*visited;
            if (!visit(context, version)) {
                return false;
            }
        }
    }
    return true;
}

bool block_visit_down(const struct block *block, struct filter_plan *plan, uint64_t id, block_visit_fn visit,
                      void *context, uint32_t *visited)
{
    struct block_places places = places_of(block);
    uint32_t end = place_in(block, &places, id);
    struct block_rows_taken taken;

    if (end > 0 && block->indexed) {
        block_select(&block->index, block->live_rows, plan);
    } else if (end > 0) {
        row_set_load(block->live_rows, &plan->answer);
    }
    while (end > 0) {
        block_places_take(&places, &plan->answer, &end, &taken);
        if (!visit_taken(block, &taken, visit, context, visited)) {
            return false;
        }
    }
    return true;
}

bool block_visit_up(const struct block *block, uint64_t *after, uint32_t *budget, block_visit_fn visit, void *context)
{
    struct block_places places = places_of(block);

    for (uint32_t place = place_in(block, &places, *after + 1); *budget != 0 && place < places.count; place++) {
        uint32_t row = block_places_row(&places, place);
        struct store_version *version = version_of(block, row);

        *after = block->slots[row].id;
        --*budget;
        if (version && !visit(context, version)) {
            return false;
        }
    }
    return *budget > 0;
}

/* ---- writing ---- */

static bool holds(void *context, uint32_t row, const struct row_key *key)
{
    const struct store_version *version = version_of(context, row);
    struct store_keys keys;

    if (!version) {
        return false;
    }
    store_version_keys(version, &keys);
    return row_keys_hold(&keys, key);
}

/* The row has the version, for its indexes first and then for readers. */
static int set_version(struct block *block, uint32_t row, struct store_version *version, struct reclaim *reclaim,
                       struct err *err)
{
    const struct block_rows rows = {holds, block, reclaim};
    struct store_version *old = version_of(block, row);
    struct store_keys from;
    struct store_keys to;

    if (block->indexed) {
        store_version_keys(version, &to);
        if (old) {
            store_version_keys(old, &from);
        }
        if ((old ? block_index_change(&block->index, row, &from, &to, &rows, err)
                 : block_index_add(&block->index, row, &to, &rows, err)) != 0) {
            return -1;
        }
    }
    atomic_store_explicit(&block->slots[row].version, version, memory_order_release);
    return 0;
}

static int fill_slot(struct block *block, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                     struct err *err)
{
    uint32_t row = used_of(block);

    block->slots[row].id = id;
    return set_version(block, row, version, reclaim, err);
}

/* Readers see the slot from here on. */
static void publish_slot(struct block *block)
{
    uint32_t row = used_of(block);

    row_set_add(block->live_rows, row);
    block->live++;
    atomic_store_explicit(&block->used, row + 1, memory_order_release);
}

int block_append(struct block *block, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                 struct err *err)
{
    struct block_order *order = atomic_load_explicit(&block->order, memory_order_relaxed);

    if (fill_slot(block, id, version, reclaim, err) != 0) {
        return -1;
    }
    if (order) {
        block_order_append(order, used_of(block));
    }
    publish_slot(block);
    return 0;
}

int block_insert(struct block *block, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                 struct err *err)
{
    struct block_order *old = atomic_load_explicit(&block->order, memory_order_relaxed);
    const struct block_places places = places_of(block);
    uint32_t place = place_in(block, &places, id);
    struct block_order *order;

    if (place == places.count) {
        return block_append(block, id, version, reclaim, err);
    }
    order = block_order_create(&places, place, used_of(block));
    if (!order) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the list of ids");
    }
    if (fill_slot(block, id, version, reclaim, err) != 0) {
        free(order);
        return -1;
    }
    atomic_store_explicit(&block->order, order, memory_order_release);
    publish_slot(block);
    if (old && reclaim) {
        reclaim_defer(reclaim, old, free);
    } else {
        free(old);
    }
    return 0;
}

int block_replace(struct block *block, uint32_t place, struct store_version *version, struct reclaim *reclaim,
                  struct store_version **ret_old, struct err *err)
{
    struct block_places places = places_of(block);
    uint32_t row = block_places_row(&places, place);
    struct store_version *old = version_of(block, row);

    if (set_version(block, row, version, reclaim, err) != 0) {
        return -1;
    }
    row_set_add(block->live_rows, row);
    block->live += old ? 0 : 1;
    *ret_old = old;
    return 0;
}

struct store_version *block_remove(struct block *block, uint32_t place)
{
    struct block_places places = places_of(block);
    uint32_t row = block_places_row(&places, place);
    struct store_version *old = version_of(block, row);
    struct store_keys keys;

    if (!old) {
        return NULL;
    }
    row_set_remove(block->live_rows, row);
    atomic_store_explicit(&block->slots[row].version, NULL, memory_order_release);
    if (block->indexed) {
        store_version_keys(old, &keys);
        block_index_remove(&block->index, row, &keys);
    }
    block->live--;
    return old;
}

int block_append_rows(struct block *block, const struct block *other, uint32_t from, uint32_t to, struct err *err)
{
    struct block_places places = places_of(other);

    for (uint32_t place = from; place < to; place++) {
        uint32_t row = block_places_row(&places, place);
        struct store_version *version = version_of(other, row);

        if (version && block_is_full(block)) {
            return err_set(err, ERR_EXHAUSTED, "no room in a block of %u rows", block->capacity);
        }
        if (version && block_append(block, other->slots[row].id, version, NULL, err) != 0) {
            return -1;
        }
    }
    return 0;
}

bool block_is_full(const struct block *block)
{
    return used_of(block) == block->capacity;
}

uint32_t block_live(const struct block *block)
{
    return block->live;
}

bool block_is_wasteful(const struct block *block)
{
    return block->live * 2 <= used_of(block) ||
           (block->indexed && postings_dead_count(block->index.postings) > DEAD_POSTINGS_MAX);
}

uint32_t block_key_count(const struct block *block)
{
    return block->indexed ? postings_key_count(block->index.postings) : 0;
}

void block_add_memory(const struct block *block, struct block_memory *memory)
{
    struct block_index_memory index = {0, 0, 0};

    if (block->indexed) {
        block_index_memory(&block->index, &index);
    }
    memory->rows += block->live;
    memory->slots += sizeof *block + block->capacity * sizeof block->slots[0] + ROW_SET_BYTES +
                     (atomic_load_explicit(&block->order, memory_order_relaxed) ? block_order_memory_bytes() : 0);
    memory->index.postings += index.postings;
    memory->index.grams += index.grams;
    memory->index.columns += index.columns;
}
