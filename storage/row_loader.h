/* row_loader: runs of stored records become published rows: decoded on all cores, published in their order.
 *
 * Used by   recovery.
 * Shape     a ring of tasks, each some runs of one buffer. Helpers decode and find the keys; the caller publishes what
 *           is done, oldest first, and decodes too when it would have to wait. A small store is loaded without helpers.
 * Owns      a hold of every buffer that has runs not yet decoded; the versions until they are published.
 * Thread    one, which is the tables' writer for that time; the extractor is called on the helpers too.
 * Errors    as if one record were applied after the other: the first in order counts. ERR_CORRUPT, ERR_UNSUPPORTED with
 *           file and offset; ERR_EXHAUSTED: memory.
 */
#ifndef STORAGE_ROW_LOADER_H_
#define STORAGE_ROW_LOADER_H_

#include <stdint.h>

#include "base/err.h"
#include "storage/read_ahead.h"
#include "storage/row_task.h"
#include "storage/store.h"

C_DECLS_BEGIN

struct row_loader;

struct row_loader_totals {
    struct row_seals seals;
    uint64_t records;
    int64_t live_bytes;
    uint64_t last_ids[STORE_TABLE_COUNT];
};

MUST_USE int row_loader_create(const struct row_loader_input *input, struct row_loader **ret_loader, struct err *err);
/* Forgets what was not published. NULL is allowed. */
void row_loader_destroy(struct row_loader *loader);

/* The run's bytes live in buffer, which is held as long as they are needed. */
MUST_USE int row_loader_add(struct row_loader *loader, const struct row_run *run, struct read_buffer *buffer,
                            struct err *err);
/* Publishes all that was added; no buffer is held on return. After success more may be added. Where reading or adding
 * has failed it is called too: a failure of what stands before comes first, and is the one to tell. */
MUST_USE int row_loader_finish(struct row_loader *loader, struct err *err);
const struct row_loader_totals *row_loader_totals(const struct row_loader *loader);

C_DECLS_END

#endif /* STORAGE_ROW_LOADER_H_ */
