/* block_select: which rows of a block may match, by its indexes.
 *
 * Used by   block.
 * Shape     the filter's program, run over sets of rows: each test sends the rows that reach it, in two sets, where it
 *           would have sent each alone; a row of which the index is not sure goes both ways. Rows whose keys change
 *           meanwhile are in the answer, whatever the indexes say. So nothing that matches is left out, and what is
 *           left out was seen not to match in a version that was published while this ran.
 * Thread    any, in a reclaim section.
 */
#ifndef STORAGE_BLOCK_SELECT_H_
#define STORAGE_BLOCK_SELECT_H_

#include "storage/block_index.h"
#include "storage/filter_plan.h"

C_DECLS_BEGIN

/* plan->answer becomes the rows of live that may match. */
void block_select(const struct block_index *index, const struct row_set *live, struct filter_plan *plan);

C_DECLS_END

#endif /* STORAGE_BLOCK_SELECT_H_ */
