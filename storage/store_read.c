#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/store_private.h"
#include "storage/version.h"

/* Slots looked at in one section; a longer walk goes on in a new one, so that memory can be given back meanwhile. */
#define SECTION_SLOTS 512
#define WALK_ROWS 256
#define PAGE_VERSIONS_MIN 16

/* A thread that did not register has no sections, and may read only as the writer. */
static void check_reader(const struct store *store)
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

    check_reader(store);
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

/* ---- pages ---- */

struct listing {
    const struct store_query *query;
    struct store_page page;
    uint32_t capacity;
    uint64_t bytes;
    bool no_memory;
};

static bool belongs(const struct store_query *query, const struct store_version *version)
{
    return (query->parent.size == 0 || span_equal(version_parent(version), query->parent)) &&
           (!query->match || query->match(query->match_context, version));
}

static bool is_full(const struct listing *listing, uint64_t size)
{
    const struct store_query *query = listing->query;

    return listing->page.count >= query->count_max ||
           (listing->page.count > 0 && query->bytes_max > 0 && listing->bytes + size > query->bytes_max);
}

static bool reserve(struct listing *listing)
{
    uint32_t capacity = listing->capacity > 0 ? listing->capacity * 2 : PAGE_VERSIONS_MIN;
    struct store_version **versions;

    if (listing->page.count < listing->capacity) {
        return true;
    }
    versions = realloc(listing->page.versions, capacity * sizeof *versions);
    if (!versions) {
        listing->no_memory = true;
        return false;
    }
    listing->page.versions = versions;
    listing->capacity = capacity;
    return true;
}

static bool visit(void *context, struct store_version *version)
{
    struct listing *listing = context;
    uint64_t size = store_version_value(version).size;

    if (!belongs(listing->query, version)) {
        return true;
    }
    if (is_full(listing, size)) {
        listing->page.more = true;
        return false;
    }
    if (!reserve(listing)) {
        return false;
    }
    listing->page.versions[listing->page.count++] = store_version_ref(version);
    listing->page.next_before_id = store_version_id(version);
    listing->bytes += size;
    return true;
}

int store_list(const struct store *store, const struct store_query *query, struct store_page *ret_page, struct err *err)
{
    struct listing listing;
    uint64_t before = query->before_id > 0 ? query->before_id : UINT64_MAX;
    bool more = true;

    check_reader(store);
    memset(&listing, 0, sizeof listing);
    listing.query = query;
    listing.page.next_before_id = before;
    while (more) {
        reclaim_enter();
        more = table_scan_down(store->tables[query->table], &before, SECTION_SLOTS, visit, &listing);
        reclaim_leave();
    }
    if (listing.no_memory) {
        store_page_release(&listing.page);
        return err_set(err, ERR_EXHAUSTED, "no memory for a page of %u entries", query->count_max);
    }
    *ret_page = listing.page;
    return 0;
}

void store_page_release(struct store_page *page)
{
    for (uint32_t i = 0; i < page->count; i++) {
        store_version_unref(page->versions[i]);
    }
    free(page->versions);
    memset(page, 0, sizeof *page);
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
