#include "storage/row_set.h"

#include <stdlib.h>

_Static_assert(ROW_WORDS * 64 == BLOCK_ROWS, "a bit for each row, and a bit of row_mask.any for each word");
_Static_assert(sizeof(struct row_set) == ROW_SET_BYTES, "what is accounted for");

struct row_set *row_set_create(void)
{
    return calloc(1, sizeof(struct row_set));
}

static uint64_t word_of(const struct row_set *set, uint32_t word)
{
    return __atomic_load_n(&set->words[word], __ATOMIC_ACQUIRE);
}

/* The number of the lowest word of left, which is not 0; takes it out. */
static uint32_t take(uint64_t *left)
{
    uint32_t word = (uint32_t)__builtin_ctzll(*left);

    *left &= *left - 1;
    return word;
}

void row_mask_merge(struct row_mask *into, const struct row_mask *from)
{
    for (uint64_t left = from->any; left != 0;) {
        uint32_t word = take(&left);

        into->words[word] = row_mask_word(into, word) | from->words[word];
        into->any |= UINT64_C(1) << word;
    }
}

void row_mask_subtract(struct row_mask *mask, const struct row_mask *minus)
{
    for (uint64_t left = mask->any & minus->any; left != 0;) {
        uint32_t word = take(&left);

        row_mask_set_word(mask, word, mask->words[word] & ~minus->words[word]);
    }
}

void row_set_load(const struct row_set *set, struct row_mask *ret_mask)
{
    uint64_t any = 0;

    for (uint32_t word = 0; word < ROW_WORDS; word++) {
        uint64_t bits = word_of(set, word);

        ret_mask->words[word] = bits;
        any |= (uint64_t)(bits != 0) << word;
    }
    ret_mask->any = any;
}

void row_set_merge_common(const struct row_set *set, const struct row_mask *in, struct row_mask *into)
{
    for (uint64_t left = in->any; left != 0;) {
        uint32_t word = take(&left);
        uint64_t bits = in->words[word] & word_of(set, word);

        if (bits != 0) {
            into->words[word] = row_mask_word(into, word) | bits;
            into->any |= UINT64_C(1) << word;
        }
    }
}

void row_set_keep(const struct row_set *set, struct row_mask *mask)
{
    for (uint64_t left = mask->any; left != 0;) {
        uint32_t word = take(&left);

        row_mask_set_word(mask, word, mask->words[word] & word_of(set, word));
    }
}
