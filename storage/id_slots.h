/* id_slots: the versions of one table in the order of their ids, for one writer and readers that never wait.
 *
 * Used by   table.
 * Shape     chunks of 512 slots {id, version or NULL}, ids ascending, listed in a directory; found by binary search.
 *           A new highest id is appended in place. An id in the middle, seldom, replaces its chunk by a copy. A removed
 *           row leaves an empty slot; chunks that became empty or sparse are dropped or merged, so that memory follows
 *           the live rows over any number of creates and deletes. Later indexes by ordinal belong to a chunk each.
 * Owns      chunks and directories; no reference of a version.
 * Thread    the scans: in a reclaim section. The rest: the writer.
 * Errors    ERR_EXHAUSTED: memory; nothing has changed then.
 */
#ifndef STORAGE_ID_SLOTS_H_
#define STORAGE_ID_SLOTS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct id_slots;
struct reclaim;
struct store_version;

/* NULL: memory. */
MUST_USE struct id_slots *id_slots_create(void);
void id_slots_destroy(struct id_slots *slots);

/* Puts or replaces. *ret_old is the version that stood there, NULL if none. */
MUST_USE int id_slots_put(struct id_slots *slots, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                          struct store_version **ret_old, struct err *err);
/* Returns the version that stood there, NULL if none. */
struct store_version *id_slots_remove(struct id_slots *slots, uint64_t id, struct reclaim *reclaim);

/* False stops the scan. The version is borrowed until the section is left. */
typedef bool (*id_slots_visit_fn)(void *context, struct store_version *version);

/* Visits at most budget slots with ids below *before, newest first. True: there may be more, below *before.
 * Call again in a new section: a section held for a whole walk would hold up the giving back of memory. */
bool id_slots_scan_down(const struct id_slots *slots, uint64_t *before, uint32_t budget, id_slots_visit_fn visit,
                        void *context);
/* The same with ids above *after, oldest first. */
bool id_slots_scan_up(const struct id_slots *slots, uint64_t *after, uint32_t budget, id_slots_visit_fn visit,
                      void *context);

/* Bytes of chunks and directory now, for tests. */
uint64_t id_slots_memory_bytes(const struct id_slots *slots);

C_DECLS_END

#endif /* STORAGE_ID_SLOTS_H_ */
