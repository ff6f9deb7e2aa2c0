#include "storage/block_order.h"

#include <stdatomic.h>
#include <stdlib.h>

struct block_order {
    _Atomic uint32_t count;
    uint16_t rows[BLOCK_ROWS];
};

struct block_order *block_order_create(const struct block_places *places, uint32_t place, uint32_t row)
{
    struct block_order *order = malloc(sizeof *order);

    if (!order) {
        return NULL;
    }
    for (uint32_t i = 0; i < places->count; i++) {
        order->rows[i < place ? i : i + 1] = (uint16_t)block_places_row(places, i);
    }
    order->rows[place] = (uint16_t)row;
    atomic_init(&order->count, places->count + 1);
    return order;
}

void block_order_append(struct block_order *order, uint32_t row)
{
    uint32_t count = atomic_load_explicit(&order->count, memory_order_relaxed);

    order->rows[count] = (uint16_t)row;
    atomic_store_explicit(&order->count, count + 1, memory_order_release);
}

struct block_places block_order_places(const struct block_order *order)
{
    struct block_places places = {atomic_load_explicit(&order->count, memory_order_acquire), order->rows};

    return places;
}

uint64_t block_order_memory_bytes(void)
{
    return sizeof(struct block_order);
}

static void take_in_order(const struct row_mask *mask, uint32_t *end, struct block_rows_taken *taken)
{
    for (uint32_t word = (*end + 63) / 64; word-- > 0;) {
        uint64_t bits = row_mask_word(mask, word);

        if (*end - word * 64 < 64) {
            bits &= (UINT64_C(1) << (*end - word * 64)) - 1;
        }
        while (bits != 0) {
            uint32_t bit = 63 - (uint32_t)__builtin_clzll(bits);

            bits &= ~(UINT64_C(1) << bit);
            taken->rows[taken->count++] = (uint16_t)(word * 64 + bit);
            if (taken->count == BLOCK_ROWS_TAKEN) {
                *end = word * 64 + bit;
                return;
            }
        }
    }
    *end = 0;
}

void block_places_take(const struct block_places *places, const struct row_mask *mask, uint32_t *end,
                       struct block_rows_taken *ret_taken)
{
    ret_taken->count = 0;
    if (!places->rows) {
        take_in_order(mask, end, ret_taken);
        return;
    }
    while (*end > 0 && ret_taken->count < BLOCK_ROWS_TAKEN) {
        uint16_t row = places->rows[--*end];

        if (row_mask_has(mask, row)) {
            ret_taken->rows[ret_taken->count++] = row;
        }
    }
}
