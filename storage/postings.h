/* postings: key → rows, of one block.
 *
 * Used by   block_index.
 * Shape     open addressing, one atomic word of 8 bytes for each key: a tag of 27 bits of its hash with up to three
 *           rows, or a pointer to a posting. So a key that one row alone has costs a word and no copy of its text. A
 *           posting is made with the fourth row; it keeps the key's text, and has its rows in a list, from 256 on in a
 *           row_set.
 *           Keys whose tags are the same share a word of rows, so what it gives may be too much. What a posting gives
 *           is exact. The word of rows stays when a posting is made; the posting counts from then on.
 * Owns      words, postings, their texts.
 * Thread    add, remove: the writer. Finding: in a reclaim section. A row whose key is just being changed may be found
 *           or not; every other is found.
 * Errors    ERR_EXHAUSTED: memory; the row may then have a part of its keys.
 */
#ifndef STORAGE_POSTINGS_H_
#define STORAGE_POSTINGS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/row_keys.h"
#include "storage/row_set.h"

C_DECLS_BEGIN

struct postings;
struct posting;
struct reclaim;

/* keys_expected: how many it will hold, roughly. NULL: memory. */
MUST_USE struct postings *postings_create(uint32_t keys_expected);
/* NULL is allowed; no reader may be left. */
void postings_destroy(struct postings *postings);

/* The row has this key, by its published version; asked of rows that were added with a key of the same tag. */
typedef bool (*postings_holds_fn)(void *context, uint32_t row, const struct row_key *key);

/* The row has not the key yet. *ret_posting: the key had a posting before. reclaim NULL: no reader sees this yet. */
MUST_USE int postings_add(struct postings *postings, const struct row_key *key, uint32_t row, postings_holds_fn holds,
                          void *context, struct reclaim *reclaim, bool *ret_posting, struct err *err);
/* All keys of a row are removed before any is added again. */
void postings_remove(struct postings *postings, const struct row_key *key, uint32_t row);

/* What was found of a key. */
struct postings_hit {
    const struct posting *posting; /* not NULL: exact */
    uint64_t word;                 /* else not 0: up to three rows, perhaps not all with this key */
};

/* False: no row has the key. */
bool postings_find(const struct postings *postings, const struct row_key *key, struct postings_hit *ret_hit);
/* into gets what is in in and was hit. */
void postings_hit_merge_common(const struct postings_hit *hit, const struct row_mask *in, struct row_mask *into);

/* All postings of a kind, one after the other; NULL: no more. Those of labels stand in two lists: of each label key's
 * own posting, and here what was made when its key had none. */
const struct posting *postings_first(const struct postings *postings, enum row_key_kind kind);
const struct posting *posting_pairs(const struct posting *label_key);
const struct posting *posting_next(const struct posting *posting);
struct span posting_text(const struct posting *posting);
struct span posting_value(const struct posting *posting);
void posting_merge_common(const struct posting *posting, const struct row_mask *in, struct row_mask *into);

/* The writer's. */
uint32_t postings_key_count(const struct postings *postings);
/* Postings that have lost all their rows; they go with the block. */
uint32_t postings_dead_count(const struct postings *postings);
uint64_t postings_memory_bytes(const struct postings *postings);

C_DECLS_END

#endif /* STORAGE_POSTINGS_H_ */
