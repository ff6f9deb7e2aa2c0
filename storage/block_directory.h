/* block_directory: the blocks of one table, in the order of their ids.
 *
 * Used by   id_slots.
 * Shape     entries {first id, block}. One more is added in place while there is room; every other change makes a new
 *           directory, which is published whole.
 * Owns      its entries; no block.
 * Thread    reading: any, in a reclaim section. The rest: the writer.
 */
#ifndef STORAGE_BLOCK_DIRECTORY_H_
#define STORAGE_BLOCK_DIRECTORY_H_

#include <stdbool.h>
#include <stdint.h>

#include "storage/block.h"

C_DECLS_BEGIN

struct block_directory;

/* Empty; NULL: memory. Given back with free. */
MUST_USE struct block_directory *block_directory_create(void);
/* A copy in which blocks [0, count) of new ones, none of them empty, stand in the place of old_count at index. NULL:
 * memory. */
MUST_USE struct block_directory *block_directory_replace(const struct block_directory *old, uint32_t index,
                                                         uint32_t old_count, struct block *const *blocks,
                                                         uint32_t count);
/* Readers see it from here on. False: there is no room. */
MUST_USE bool block_directory_append(struct block_directory *directory, struct block *block);
/* The block at index has an id below all it had. */
void block_directory_lower(struct block_directory *directory, uint32_t index, uint64_t first_id);

uint32_t block_directory_count(const struct block_directory *directory);
struct block *block_directory_block(const struct block_directory *directory, uint32_t index);
/* At most the first id of its block, above all of the one before. */
uint64_t block_directory_first_id(const struct block_directory *directory, uint32_t index);
/* How many blocks begin with an id that is at most id. */
uint32_t block_directory_up_to(const struct block_directory *directory, uint64_t id);

uint64_t block_directory_memory_bytes(const struct block_directory *directory);

C_DECLS_END

#endif /* STORAGE_BLOCK_DIRECTORY_H_ */
