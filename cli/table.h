/* table: rows in aligned columns.
 *
 * Used by   output.c.
 * Shape     titles once, then rows in portions: a column only grows, so that a long list needs no more memory than one
 *           of its pages. No line ends in spaces.
 * Owns      the cells of the portion at hand.
 * Thread    the caller's.
 */
#ifndef CLI_TABLE_H_
#define CLI_TABLE_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "base/text.h"

C_DECLS_BEGIN

#define TABLE_COLUMNS_MAX 8

struct table {
    size_t columns;
    const char *titles[TABLE_COLUMNS_MAX];
    size_t widths[TABLE_COLUMNS_MAX];
    bool titled; /* the titles were printed */
    bool colour; /* cells that are states are coloured */
    struct text cells;
    size_t cell_count;
};

/* titles: at most TABLE_COLUMNS_MAX, then NULL. */
void table_init(struct table *table, const char *const *titles, bool colour);
void table_deinit(struct table *table);
/* The next cell, from left to right; control characters are made visible, an empty one is "-". */
void table_add(struct table *table, struct span cell);
/* Prints the rows added since the last time. */
void table_flush(struct table *table, struct text *out);

C_DECLS_END

#endif /* CLI_TABLE_H_ */
