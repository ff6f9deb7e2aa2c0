#include <stdlib.h>
#include <string.h>

#include "storage/store_private.h"
#include "storage/version.h"

#define PAGE_VERSIONS_MIN 16

struct listing {
    const struct store_query *query;
    struct store_page page;
    uint32_t capacity;
    uint64_t bytes;
    uint32_t looked_at;
    bool no_memory;
};

static bool belongs(const struct store_query *query, const struct store_version *version)
{
    return (query->parent.size == 0 || span_equal(version_parent(version), query->parent)) &&
           store_filter_matches(query->filter, version) &&
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

    if (listing->looked_at++ == LIMIT_PAGE_ROWS_LOOKED_AT) {
        listing->page.more = true;
        listing->page.next_before_id = store_version_id(version) + 1;
        return false;
    }
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

static int no_memory(const struct store_query *query, struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for a page of %u entries", query->count_max);
}

int store_list(const struct store *store, const struct store_query *query, struct store_page *ret_page, struct err *err)
{
    const struct table *table = store->tables[query->table];
    struct filter_plan *plan = table_plan(table, query->parent, query->filter);
    struct listing listing;
    uint64_t before = query->before_id > 0 ? query->before_id : UINT64_MAX;
    bool more = true;

    store_check_reader(store);
    if (!plan) {
        return no_memory(query, err);
    }
    memset(&listing, 0, sizeof listing);
    listing.query = query;
    listing.page.next_before_id = before;
    while (more) {
        reclaim_enter();
        more = table_list_down(table, plan, &before, visit, &listing);
        reclaim_leave();
    }
    free(plan);
    if (listing.no_memory) {
        store_page_release(&listing.page);
        return no_memory(query, err);
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
