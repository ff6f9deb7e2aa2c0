/* table: the published rows of one table: found by id, walked in the order of ids.
 *
 * Used by   store_*.
 * Shape     an id_hash and an id_slots, which has the indexes, over the same versions; a get and a walk may differ for the moment in which one
 *           row is published, never after the commit has returned.
 * Owns      one reference per published version; a replaced one is given up after a grace period.
 * Thread    find, list, scan, count: any (in a reclaim section where versions are touched). publish: the writer.
 * Errors    ERR_EXHAUSTED: memory. The row may then be half published: the caller stops for good.
 */
#ifndef STORAGE_TABLE_H_
#define STORAGE_TABLE_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/id_slots.h"

C_DECLS_BEGIN

struct table;

/* indexed: its rows are listed by filters. NULL: memory. */
MUST_USE struct table *table_create(bool indexed);
/* Gives up all references at once; no reader may be left. NULL is allowed. */
void table_destroy(struct table *table);

/* version becomes what readers find, and the table's reference; NULL: the row is no more (it need not be there).
 * *ret_change_bytes: by how much the sum of the value sizes has changed. */
MUST_USE int table_publish(struct table *table, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                           int64_t *ret_change_bytes, struct err *err);

/* Asks for the memory that publishing the id will look at. The writer's. */
void table_prefetch(const struct table *table, uint64_t id);

struct store_version *table_find(const struct table *table, uint64_t id);
uint64_t table_count(const struct table *table);
/* The plan of a filter for table_list_down; NULL: memory. Given back with free. */
MUST_USE struct filter_plan *table_plan(const struct table *table, struct span parent,
                                        const struct store_filter *filter);
/* As id_slots_list_down: a superset of what matches, newest first, a section's work at a time. */
bool table_list_down(const struct table *table, struct filter_plan *plan, uint64_t *before, block_visit_fn visit,
                     void *context);
bool table_scan_up(const struct table *table, uint64_t *after, uint32_t budget, block_visit_fn visit, void *context);

/* ---- the writer's ---- */

/* One short step towards less memory, after rows were removed. False: there is nothing to do. */
bool table_tidy(struct table *table, struct reclaim *reclaim);

struct table_memory {
    uint64_t id_hash;
    struct block_memory blocks;
};
/* Bytes of all but the versions themselves. */
void table_memory(const struct table *table, struct table_memory *ret_memory);

C_DECLS_END

#endif /* STORAGE_TABLE_H_ */
