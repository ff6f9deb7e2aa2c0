#include "storage/table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <sys/random.h>

#include "storage/id_hash.h"
#include "storage/reclaim.h"
#include "storage/version.h"

struct table {
    struct id_hash *hash;
    struct id_slots *slots;
    uint64_t seed;
    _Atomic uint64_t count;
};

struct table *table_create(bool indexed)
{
    struct table *table = calloc(1, sizeof *table);
    struct id_slots_options options = {.indexed = indexed};

    if (!table) {
        return NULL;
    }
    if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) < 0) {
        table->seed = (uintptr_t)table; /* early at boot: hard to guess will have to do */
    }
    options.seed = table->seed;
    table->hash = id_hash_create();
    table->slots = id_slots_create(&options);
    if (!table->hash || !table->slots) {
        id_hash_destroy(table->hash);
        id_slots_destroy(table->slots);
        free(table);
        return NULL;
    }
    return table;
}

static bool drop(void *context, struct store_version *version)
{
    (void)context;
    store_version_unref(version);
    return true;
}

void table_destroy(struct table *table)
{
    uint64_t after = 0;

    if (!table) {
        return;
    }
    id_slots_scan_up(table->slots, &after, UINT32_MAX, drop, NULL);
    id_hash_destroy(table->hash);
    id_slots_destroy(table->slots);
    free(table);
}

static int64_t size_of(const struct store_version *version)
{
    return version ? (int64_t)store_version_value(version).size : 0;
}

int table_publish(struct table *table, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                  int64_t *ret_change_bytes, struct err *err)
{
    struct store_version *old = NULL;

    if (!version) {
        id_hash_remove(table->hash, id, reclaim);
        old = id_slots_remove(table->slots, id, reclaim);
    } else if (id_slots_put(table->slots, id, version, reclaim, &old, err) != 0) {
        return -1;
    } else if (id_hash_put(table->hash, id, version, reclaim, err) != 0) {
        /* It stands in the slots, where readers see it: those keep it, whatever the caller does with its reference. */
        (void)store_version_ref(version);
        return -1;
    }
    if (version && !old) {
        atomic_fetch_add_explicit(&table->count, 1, memory_order_relaxed);
    } else if (!version && old) {
        atomic_fetch_sub_explicit(&table->count, 1, memory_order_relaxed);
    }
    *ret_change_bytes = size_of(version) - size_of(old);
    if (old) {
        reclaim_defer(reclaim, old, version_release);
    }
    return 0;
}

void table_prefetch(const struct table *table, uint64_t id)
{
    id_hash_prefetch(table->hash, id);
}

struct store_version *table_find(const struct table *table, uint64_t id)
{
    return id_hash_find(table->hash, id);
}

uint64_t table_count(const struct table *table)
{
    return atomic_load_explicit(&table->count, memory_order_relaxed);
}

struct filter_plan *table_plan(const struct table *table, struct span parent, const struct store_filter *filter)
{
    return filter_plan_create(table->seed, parent, filter);
}

bool table_list_down(const struct table *table, struct filter_plan *plan, uint64_t *before, block_visit_fn visit,
                     void *context)
{
    return id_slots_list_down(table->slots, plan, before, visit, context);
}

bool table_tidy(struct table *table, struct reclaim *reclaim)
{
    return id_slots_tidy(table->slots, reclaim);
}

void table_memory(const struct table *table, struct table_memory *ret_memory)
{
    ret_memory->id_hash = id_hash_memory_bytes(table->hash);
    id_slots_memory(table->slots, &ret_memory->blocks);
}

bool table_scan_up(const struct table *table, uint64_t *after, uint32_t budget, block_visit_fn visit, void *context)
{
    return id_slots_scan_up(table->slots, after, budget, visit, context);
}
