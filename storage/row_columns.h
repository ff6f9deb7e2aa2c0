/* row_columns: states and times of one block's rows, and which rows were changed last.
 *
 * Used by   block_index.
 * Shape     of each state below ROW_STATES that occurs, a row_set and how many are in it. Of every ROW_SPAN rows the
 *           earliest and the latest time there ever was. Times need not ascend: a wall clock may step back.
 *           A ring of the rows whose keys were changed after they were published. The writer notes a row before it
 *           touches its keys. A reader looks at the ring before and after it has reckoned with the indexes: whatever was
 *           noted in between, and the one before, may have been found by half of its keys, and is looked at itself.
 * Owns      its sets.
 * Thread    as block_index.
 * Errors    ERR_EXHAUSTED: memory.
 */
#ifndef STORAGE_ROW_COLUMNS_H_
#define STORAGE_ROW_COLUMNS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/row_set.h"

C_DECLS_BEGIN

#define ROW_STATES 32u
#define ROW_SPAN 512u

struct row_columns;

/* NULL: memory. Given back with row_columns_destroy; NULL is allowed. */
MUST_USE struct row_columns *row_columns_create(void);
void row_columns_destroy(struct row_columns *columns);

/* ---- the writer's ---- */

MUST_USE int row_columns_add_state(struct row_columns *columns, uint32_t row, uint32_t state, struct err *err);
void row_columns_remove_state(struct row_columns *columns, uint32_t row, uint32_t state);
void row_columns_add_time(struct row_columns *columns, uint32_t row, int64_t unix_ns);
/* Before the first change to a published row's keys. */
void row_columns_note_change(struct row_columns *columns, uint32_t row);
uint64_t row_columns_memory_bytes(const struct row_columns *columns);

/* ---- readers ---- */

/* into gets the rows of in that are in one of the states (a bit each). Exact. */
void row_columns_merge_states(const struct row_columns *columns, uint32_t states, const struct row_mask *in,
                              struct row_mask *into);
/* False: no row lies in the times. */
bool row_columns_may_have_times(const struct row_columns *columns, int64_t first_unix_ns, int64_t last_unix_ns);
/* What of in lies in the times surely, and what may and may not; either is cleared before. */
void row_columns_split_times(const struct row_columns *columns, int64_t first_unix_ns, int64_t last_unix_ns,
                             const struct row_mask *in, struct row_mask *ret_inside, struct row_mask *ret_unsure);

/* Where the ring stands. */
uint64_t row_columns_changes(const struct row_columns *columns);
/* mask gets the rows that were being changed since then. False: they were too many to be kept. */
bool row_columns_merge_changes(const struct row_columns *columns, uint64_t since, struct row_mask *mask);

C_DECLS_END

#endif /* STORAGE_ROW_COLUMNS_H_ */
