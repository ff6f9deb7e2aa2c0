/* block_order: the rows of a block in the order of their ids, where they did not come in it.
 *
 * Used by   block.
 * Shape     an array of rows that grows at its end in place; with a row anywhere else it is a new one. A place is a
 *           number in it. Without an order rows are their own places.
 * Owns      its array.
 * Thread    reading: any, in a reclaim section. The rest: the writer.
 */
#ifndef STORAGE_BLOCK_ORDER_H_
#define STORAGE_BLOCK_ORDER_H_

#include <stdint.h>

#include "base/err.h"
#include "storage/row_set.h"

C_DECLS_BEGIN

struct block_order;

/* The places of a block at one moment. */
struct block_places {
    uint32_t count;
    const uint16_t *rows; /* by place; NULL: rows came in order */
};

/* Of these places, and the row in one more at place. NULL: memory. Given back with free. */
MUST_USE struct block_order *block_order_create(const struct block_places *places, uint32_t place, uint32_t row);
/* Fewer than BLOCK_ROWS are in it. */
void block_order_append(struct block_order *order, uint32_t row);
struct block_places block_order_places(const struct block_order *order);
uint64_t block_order_memory_bytes(void);

static inline uint32_t block_places_row(const struct block_places *places, uint32_t place)
{
    return places->rows ? places->rows[place] : place;
}

/* Rows taken from a mask at a time. */
#define BLOCK_ROWS_TAKEN 128u

struct block_rows_taken {
    uint32_t count;
    uint16_t rows[BLOCK_ROWS_TAKEN];
};

/* The highest rows of the mask in places below *end, which becomes the last one taken, or 0. */
void block_places_take(const struct block_places *places, const struct row_mask *mask, uint32_t *end,
                       struct block_rows_taken *ret_taken);

C_DECLS_END

#endif /* STORAGE_BLOCK_ORDER_H_ */
