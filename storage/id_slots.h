/* id_slots: the versions of one table in the order of their ids, and their indexes; for one writer and readers that
 * never wait.
 *
 * Used by   table.
 * Shape     blocks of neighbouring ids, listed in a directory by their first ids. A new highest id is appended in place;
 *           an id in the middle, seldom, too, or splits its block when that is full. A removed row leaves an empty slot;
 *           a block that became empty is dropped at once, one that became sparse is made anew or merged with a
 *           neighbour by id_slots_tidy, so that memory follows the live rows over any number of creates and deletes.
 * Owns      blocks and directories; no reference of a version.
 * Thread    the scans: in a reclaim section. The rest: the writer.
 * Errors    ERR_EXHAUSTED: memory; the row may then be half indexed, and is not published.
 */
#ifndef STORAGE_ID_SLOTS_H_
#define STORAGE_ID_SLOTS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/block.h"

C_DECLS_BEGIN

struct id_slots;
struct reclaim;
struct store_version;

struct id_slots_options {
    bool indexed;
    uint64_t seed; /* of the indexes' hashes */
};

/* NULL: memory. */
MUST_USE struct id_slots *id_slots_create(const struct id_slots_options *options);
void id_slots_destroy(struct id_slots *slots);

/* Puts or replaces. *ret_old is the version that stood there, NULL if none. */
MUST_USE int id_slots_put(struct id_slots *slots, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                          struct store_version **ret_old, struct err *err);
/* Returns the version that stood there, NULL if none. */
struct store_version *id_slots_remove(struct id_slots *slots, uint64_t id, struct reclaim *reclaim);
/* One short step towards less memory. False: there is nothing to do. */
bool id_slots_tidy(struct id_slots *slots, struct reclaim *reclaim);

/* Visits rows that may match, with ids below *before, newest first, until a section's work is done. True: there may be
 * more, below *before. Call again in a new section: one that is held for a whole walk would hold up the giving back of
 * memory. */
bool id_slots_list_down(const struct id_slots *slots, struct filter_plan *plan, uint64_t *before, block_visit_fn visit,
                        void *context);
/* Visits at most budget slots with ids above *after, oldest first. True: there may be more, above *after. */
bool id_slots_scan_up(const struct id_slots *slots, uint64_t *after, uint32_t budget, block_visit_fn visit,
                      void *context);

/* The writer's. */
void id_slots_memory(const struct id_slots *slots, struct block_memory *ret_memory);

C_DECLS_END

#endif /* STORAGE_ID_SLOTS_H_ */
