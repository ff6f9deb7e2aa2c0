/* row_set: sets of the rows of one block: one that readers see (row_set), and one to reckon with (row_mask).
 *
 * Used by   block and the indexes of a block.
 * Shape     a row is a number below BLOCK_ROWS. A row_set is a bit for each, changed in place a word at a time. A
 *           row_mask is the same with one more word that tells which of its words are not 0; the others need no value,
 *           so that clearing, and whatever is done with few rows, costs little.
 * Thread    row_set_add and _remove: the writer. Reading: any. A mask: its maker.
 */
#ifndef STORAGE_ROW_SET_H_
#define STORAGE_ROW_SET_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

#define BLOCK_ROWS 4096u
#define ROW_WORDS 64u
#define ROW_SET_BYTES (BLOCK_ROWS / 8)

struct row_set {
    uint64_t words[ROW_WORDS]; /* touched atomically only */
};

/* Empty; NULL: memory. Given back with free. */
MUST_USE struct row_set *row_set_create(void);

/* One writer: nobody else changes the word between load and store. False: it was there. */
static inline bool row_set_add(struct row_set *set, uint32_t row)
{
    uint64_t bits = __atomic_load_n(&set->words[row / 64], __ATOMIC_RELAXED);

    if (bits >> row % 64 & 1) {
        return false;
    }
    __atomic_store_n(&set->words[row / 64], bits | UINT64_C(1) << row % 64, __ATOMIC_RELEASE);
    return true;
}

/* False: it was not there. */
static inline bool row_set_remove(struct row_set *set, uint32_t row)
{
    uint64_t bits = __atomic_load_n(&set->words[row / 64], __ATOMIC_RELAXED);

    if (!(bits >> row % 64 & 1)) {
        return false;
    }
    __atomic_store_n(&set->words[row / 64], bits & ~(UINT64_C(1) << row % 64), __ATOMIC_RELEASE);
    return true;
}

struct row_mask {
    uint64_t any; /* bit w: words[w] holds a row */
    uint64_t words[ROW_WORDS];
};

static inline void row_mask_clear(struct row_mask *mask)
{
    mask->any = 0;
}

static inline uint64_t row_mask_word(const struct row_mask *mask, uint32_t word)
{
    return mask->any >> word & 1 ? mask->words[word] : 0;
}

static inline void row_mask_set_word(struct row_mask *mask, uint32_t word, uint64_t bits)
{
    mask->words[word] = bits;
    mask->any = bits != 0 ? mask->any | UINT64_C(1) << word : mask->any & ~(UINT64_C(1) << word);
}

static inline bool row_mask_has(const struct row_mask *mask, uint32_t row)
{
    return (row_mask_word(mask, row / 64) >> row % 64 & 1) != 0;
}

static inline void row_mask_add(struct row_mask *mask, uint32_t row)
{
    row_mask_set_word(mask, row / 64, row_mask_word(mask, row / 64) | UINT64_C(1) << row % 64);
}

/* into gets what is in from too. */
void row_mask_merge(struct row_mask *into, const struct row_mask *from);
/* What is in minus goes out of mask. */
void row_mask_subtract(struct row_mask *mask, const struct row_mask *minus);

/* The mask becomes the set. */
void row_set_load(const struct row_set *set, struct row_mask *ret_mask);
/* into gets what is in both in and set too. */
void row_set_merge_common(const struct row_set *set, const struct row_mask *in, struct row_mask *into);
/* What is not in set goes out of mask. */
void row_set_keep(const struct row_set *set, struct row_mask *mask);

C_DECLS_END

#endif /* STORAGE_ROW_SET_H_ */
