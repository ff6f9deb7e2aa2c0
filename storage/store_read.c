#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/store_private.h"
#include "storage/version.h"

#define WALK_ROWS 256

/* A thread that did not register has no sections, and may read only as the writer. */
void store_check_reader(const struct store *store)
{
    if (!reclaim_is_reader()) {
        THREAD_CHECK(&store->owner);
    }
}

void store_reader_register(struct store *store)
{
    (void)store;
    reclaim_register_reader();
}

void store_reader_unregister(struct store *store)
{
    (void)store;
    reclaim_unregister_reader();
}

struct store_version *store_get(const struct store *store, enum store_table table, uint64_t id)
{
    struct store_version *version;

    store_check_reader(store);
    reclaim_enter();
    version = table_find(store->tables[table], id);
    if (version) {
        store_version_ref(version);
    }
    reclaim_leave();
    return version;
}

/* The decimal number behind the last slash; 0: there is none. */
static uint64_t id_of_name(struct span name)
{
    uint64_t id = 0;
    size_t at = name.size;

    while (at > 0 && name.data[at - 1] != '/') {
        at--;
    }
    if (at == name.size || name.size - at > 20) {
        return 0;
    }
    for (; at < name.size; at++) {
        uint64_t digit = (uint64_t)(unsigned char)name.data[at] - '0';

        if (digit > 9 || id > (UINT64_MAX - digit) / 10) {
            return 0;
        }
        id = id * 10 + digit;
    }
    return id;
}

struct store_version *store_get_by_name(const struct store *store, enum store_table table, struct span name)
{
    struct store_version *version = store_get(store, table, id_of_name(name));

    if (version && !span_equal(version_name(version), name)) {
        store_version_unref(version);
        return NULL;
    }
    return version;
}

uint64_t store_count(const struct store *store, enum store_table table)
{
    return table_count(store->tables[table]);
}

/* ---- the owner's walk ---- */

struct rows {
    struct store_version *versions[WALK_ROWS];
    size_t count;
};

static bool gather(void *context, struct store_version *version)
{
    struct rows *rows = context;

    rows->versions[rows->count++] = store_version_ref(version);
    return rows->count < WALK_ROWS;
}

void store_walk(const struct store *store, enum store_table table, store_visit_fn visit_row, void *context)
{
    struct rows rows = {.count = 0};
    uint64_t after = 0;
    bool go_on = true;

    THREAD_CHECK(&store->owner);
    do {
        /* References, so that the visitor may commit. */
        rows.count = 0;
        (void)table_scan_up(store->tables[table], &after, UINT32_MAX, gather, &rows);
        for (size_t i = 0; i < rows.count; i++) {
            go_on = go_on && visit_row(context, rows.versions[i]);
            store_version_unref(rows.versions[i]);
        }
    } while (go_on && rows.count == WALK_ROWS);
}

static bool add_version(void *context, struct store_version *version)
{
    struct store_memory *memory = context;

    memory->values += store_version_value(version).size;
    memory->headers += version_header_bytes(version);
    return true;
}

void store_memory(const struct store *store, enum store_table table, struct store_memory *ret_memory)
{
    struct store_memory memory = {.rows = 0};
    struct table_memory parts;
    uint64_t after = 0;

    THREAD_CHECK(&store->owner);
    table_memory(store->tables[table], &parts);
    (void)table_scan_up(store->tables[table], &after, UINT32_MAX, add_version, &memory);
    memory.rows = parts.blocks.rows;
    memory.ids = parts.id_hash;
    memory.order = parts.blocks.slots;
    memory.keys = parts.blocks.index.postings;
    memory.texts = parts.blocks.index.grams;
    memory.states_times = parts.blocks.index.columns;
    *ret_memory = memory;
}
