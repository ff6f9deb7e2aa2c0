/* posting_word: what stands for a key in one atomic word.
 *
 * Used by   postings.
 * Shape     word     63: 0   62..36 tag   35..0 three rows of 12 bits, the last repeated when there are fewer
 *                    63: 1   62..48 tag   47..0 pointer
 *                    0: empty, a probe ends; bit 63 alone: removed, it goes on
 * Thread    any; pure.
 */
#ifndef STORAGE_POSTING_WORD_H_
#define STORAGE_POSTING_WORD_H_

#include <stdbool.h>
#include <stdint.h>

#include "storage/posting.h"

C_DECLS_BEGIN

#define POSTING_WORD_TAG_BITS 27
#define POSTING_WORD_ROW_BITS 12
#define POSTING_WORD_IS_POSTING (UINT64_C(1) << 63)
#define POSTING_WORD_POINTER_MASK ((UINT64_C(1) << 48) - 1)
#define POSTING_WORD_REMOVED POSTING_WORD_IS_POSTING

/* Of a word of rows, which so is never 0. */
static inline uint64_t posting_word_tag(uint64_t hash)
{
    uint64_t tag = hash >> (64 - POSTING_WORD_TAG_BITS);

    return tag > 0 ? tag : 1;
}

/* Of a pointer: bits that say nothing about the place. */
static inline uint64_t posting_word_pointer_tag(uint64_t hash)
{
    return hash & 0x7fff;
}

static inline bool posting_word_is_rows(uint64_t word)
{
    return !(word & POSTING_WORD_IS_POSTING);
}

/* ---- rows ---- */

static inline uint64_t posting_word_of_rows(uint64_t tag, uint64_t first, uint64_t second, uint64_t third)
{
    return tag << 3 * POSTING_WORD_ROW_BITS | first << 2 * POSTING_WORD_ROW_BITS | second << POSTING_WORD_ROW_BITS |
           third;
}

static inline uint64_t posting_word_rows_tag(uint64_t word)
{
    return word >> 3 * POSTING_WORD_ROW_BITS;
}

static inline uint64_t posting_word_row(uint64_t word, unsigned number)
{
    return word >> (2 - number) * POSTING_WORD_ROW_BITS & ((UINT64_C(1) << POSTING_WORD_ROW_BITS) - 1);
}

static inline bool posting_word_has_row(uint64_t word, uint64_t row)
{
    return posting_word_row(word, 0) == row || posting_word_row(word, 1) == row || posting_word_row(word, 2) == row;
}

static inline bool posting_word_is_full(uint64_t word)
{
    return posting_word_row(word, 1) != posting_word_row(word, 2);
}

/* Of a word that is not full. */
static inline uint64_t posting_word_with(uint64_t word, uint64_t row)
{
    uint64_t first = posting_word_row(word, 0);
    uint64_t second = posting_word_row(word, 1);

    return posting_word_of_rows(posting_word_rows_tag(word), first, first == second ? row : second, row);
}

static inline uint64_t posting_word_without(uint64_t word, uint64_t row)
{
    uint64_t left[3];
    unsigned count = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (posting_word_row(word, i) != row && (count == 0 || left[count - 1] != posting_word_row(word, i))) {
            left[count++] = posting_word_row(word, i);
        }
    }
    if (count == 0) {
        return POSTING_WORD_REMOVED;
    }
    return posting_word_of_rows(posting_word_rows_tag(word), left[0], left[count > 1 ? 1 : 0], left[count - 1]);
}

/* ---- a posting ---- */

/* 0: the pointer does not fit, which no system that we run on makes happen. */
static inline uint64_t posting_word_of_posting(const struct posting *posting)
{
    uint64_t pointer = (uint64_t)(uintptr_t)posting;

    return (pointer & ~POSTING_WORD_POINTER_MASK) != 0
               ? 0
               : POSTING_WORD_IS_POSTING | posting_word_pointer_tag(posting_hash(posting)) << 48 | pointer;
}

/* NULL: it was removed. */
static inline struct posting *posting_word_posting(uint64_t word)
{
    return (struct posting *)(uintptr_t)(word & POSTING_WORD_POINTER_MASK);
}

/* Of a word of a posting: whether it is worth a look at its key. */
static inline bool posting_word_may_be(uint64_t word, uint64_t hash)
{
    return (word >> 48 & 0x7fff) == posting_word_pointer_tag(hash);
}

C_DECLS_END

#endif /* STORAGE_POSTING_WORD_H_ */
