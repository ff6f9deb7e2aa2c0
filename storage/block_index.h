/* block_index: everything by which the rows of one block can be found, kept by the writer.
 *
 * Used by   block; read by block_select.
 * Shape     postings of parents, names, labels; grams of the texts that have no posting; columns of states and times.
 *           A row is added before it is published, so that whoever sees the row finds it.
 * Owns      all of it.
 * Thread    the writer.
 * Errors    ERR_EXHAUSTED: memory; the row may then be half indexed.
 */
#ifndef STORAGE_BLOCK_INDEX_H_
#define STORAGE_BLOCK_INDEX_H_

#include <stdint.h>

#include "base/err.h"
#include "storage/grams.h"
#include "storage/postings.h"
#include "storage/row_columns.h"
#include "storage/store.h"

C_DECLS_BEGIN

struct reclaim;

struct block_index {
    uint64_t seed; /* of the hashes; the same in all blocks of a table */
    struct postings *postings;
    struct grams *grams;
    struct row_columns *columns;
};

/* False: memory; the index can be destroyed. */
MUST_USE bool block_index_create(struct block_index *index, uint64_t seed, uint32_t keys_expected);
void block_index_destroy(struct block_index *index);

/* How the index looks at the other rows of its block; reclaim is NULL while no reader sees the block. */
struct block_rows {
    postings_holds_fn holds;
    void *context;
    struct reclaim *reclaim;
};

MUST_USE int block_index_add(struct block_index *index, uint32_t row, const struct store_keys *keys,
                             const struct block_rows *rows, struct err *err);
void block_index_remove(struct block_index *index, uint32_t row, const struct store_keys *keys);
/* A published row gets other keys. */
MUST_USE int block_index_change(struct block_index *index, uint32_t row, const struct store_keys *from,
                                const struct store_keys *to, const struct block_rows *rows, struct err *err);

/* Bytes of each part. */
struct block_index_memory {
    uint64_t postings;
    uint64_t grams;
    uint64_t columns;
};
void block_index_memory(const struct block_index *index, struct block_index_memory *ret_memory);

C_DECLS_END

#endif /* STORAGE_BLOCK_INDEX_H_ */
