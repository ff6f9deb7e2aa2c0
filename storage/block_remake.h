/* block_remake: one block made of the rows of a sparse one, or of two neighbours, a few rows at a time.
 *
 * Used by   id_slots.
 * Shape     copies rows in the order of ids, some with each step, so that no step holds the writer up. What becomes of
 *           rows meanwhile is noted: the copy gets it too when it is past the row, and copies it otherwise.
 * Owns      the new block until it is taken; borrows the old ones, which must not be given back before.
 * Thread    the writer.
 * Errors    one that finds no memory, or no room, says so at its next step; nothing is lost then.
 */
#ifndef STORAGE_BLOCK_REMAKE_H_
#define STORAGE_BLOCK_REMAKE_H_

#include <stdbool.h>
#include <stdint.h>

#include "storage/block.h"

C_DECLS_BEGIN

#define BLOCK_REMAKE_SOURCES_MAX 2

struct block_remake;

/* Of neighbours, lower ids first. NULL: memory. */
MUST_USE struct block_remake *block_remake_start(struct block *const *sources, uint32_t count,
                                                 const struct block_options *options);
/* NULL is allowed. */
void block_remake_end(struct block_remake *remake);

/* False: it came to nothing. */
MUST_USE bool block_remake_step(struct block_remake *remake, bool *ret_done);
/* In that block the row became version; NULL: it was removed. */
void block_remake_note(struct block_remake *remake, const struct block *in, uint64_t id, struct store_version *version);

const struct block *block_remake_source(const struct block_remake *remake, uint32_t number, uint32_t *ret_count);
/* Once done: the new block, the caller's; NULL: no row is left. */
struct block *block_remake_take(struct block_remake *remake);

C_DECLS_END

#endif /* STORAGE_BLOCK_REMAKE_H_ */
