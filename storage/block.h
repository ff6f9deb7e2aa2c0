/* block: up to BLOCK_ROWS rows of one table, with neighbouring ids, and their indexes.
 *
 * Used by   id_slots.
 * Shape     rows are numbered as they come and never move: slots {id, version or NULL}. They come in the order of ids
 *           but for rare ones; then an array beside gives the order, replaced by a copy with each of these. A place is a
 *           row's number in that order. An empty slot keeps its id, so that its row can come back.
 * Owns      slots and indexes; no reference of a version.
 * Thread    writing: the writer. Reading: any, in a reclaim section.
 * Errors    ERR_EXHAUSTED: memory; the row may then be half indexed, and is not published.
 */
#ifndef STORAGE_BLOCK_H_
#define STORAGE_BLOCK_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/block_index.h"
#include "storage/filter_plan.h"

C_DECLS_BEGIN

struct block;
struct store_version;

struct block_options {
    uint32_t capacity; /* rows, at most BLOCK_ROWS */
    bool indexed;      /* without, everything may match */
    uint64_t seed;
    uint32_t keys_expected;
};

/* NULL: memory. */
MUST_USE struct block *block_create(const struct block_options *options);
/* In the form in which reclaim calls it. NULL is allowed. */
void block_release(void *block);

/* ---- the writer's ---- */

/* The id is above all in the block, which is not full. reclaim NULL: no reader sees the block yet. */
MUST_USE int block_append(struct block *block, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                          struct err *err);
/* The id is not in the block, which is not full. reclaim NULL: no reader sees the block yet. */
MUST_USE int block_insert(struct block *block, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                          struct err *err);
/* What stands in the place becomes version. *ret_old: what stood there, or NULL. */
MUST_USE int block_replace(struct block *block, uint32_t place, struct store_version *version, struct reclaim *reclaim,
                           struct store_version **ret_old, struct err *err);
/* Returns what stood in the place, or NULL. */
struct store_version *block_remove(struct block *block, uint32_t place);
/* Appends the rows that stand in [from, to) of other, to a block that no reader sees yet. */
MUST_USE int block_append_rows(struct block *block, const struct block *other, uint32_t from, uint32_t to,
                               struct err *err);
bool block_is_full(const struct block *block);
uint32_t block_live(const struct block *block);
/* Less than half of its slots are of use, or its indexes hold much that is not. */
bool block_is_wasteful(const struct block *block);
/* Keys that its indexes hold, for the next one's keys_expected. */
uint32_t block_key_count(const struct block *block);

struct block_memory {
    uint64_t rows;
    uint64_t slots;
    struct block_index_memory index;
};
/* Adds to *memory. */
void block_add_memory(const struct block *block, struct block_memory *memory);

/* Places there are, empty ones too. */
uint32_t block_count(const struct block *block);
/* The first place whose id is at least id; block_count when there is none. */
uint32_t block_place(const struct block *block, uint64_t id);
uint64_t block_id_at(const struct block *block, uint32_t place);

/* ---- reading ---- */

/* False stops. The version is borrowed until the section is left. */
typedef bool (*block_visit_fn)(void *context, struct store_version *version);

/* Visits rows with ids below id that may match, highest first. False: stopped. *visited counts them. */
bool block_visit_down(const struct block *block, struct filter_plan *plan, uint64_t id, block_visit_fn visit,
                      void *context, uint32_t *visited);
/* Visits rows with ids above *after, lowest first, over as many slots as *budget, which it counts down. False: stopped,
 * or the budget is spent. */
bool block_visit_up(const struct block *block, uint64_t *after, uint32_t *budget, block_visit_fn visit, void *context);

C_DECLS_END

#endif /* STORAGE_BLOCK_H_ */
