/* table: the published rows of one table: found by id, walked in the order of ids.
 *
 * Used by   store_*.
 * Shape     an id_hash and an id_slots over the same versions; a get and a walk may differ for the moment in which one
 *           row is published, never after the commit has returned.
 * Owns      one reference per published version; a replaced one is given up after a grace period.
 * Thread    find, scans, count: any (in a reclaim section where versions are touched). publish: the writer.
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

/* NULL: memory. */
MUST_USE struct table *table_create(void);
/* Gives up all references at once; no reader may be left. NULL is allowed. */
void table_destroy(struct table *table);

/* version becomes what readers find, and the table's reference; NULL: the row is no more (it need not be there).
 * *ret_change_bytes: by how much the sum of the value sizes has changed. */
MUST_USE int table_publish(struct table *table, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                           int64_t *ret_change_bytes, struct err *err);

struct store_version *table_find(const struct table *table, uint64_t id);
uint64_t table_count(const struct table *table);
bool table_scan_down(const struct table *table, uint64_t *before, uint32_t budget, id_slots_visit_fn visit,
                     void *context);
bool table_scan_up(const struct table *table, uint64_t *after, uint32_t budget, id_slots_visit_fn visit, void *context);

C_DECLS_END

#endif /* STORAGE_TABLE_H_ */
