/* staging: the rows of one turn, logged and not yet published.
 *
 * Used by   store.c.
 * Shape     an array in the order of staging. When one row was staged several times only the last is published:
 *           what stood between was never the state after a commit.
 * Owns      the versions until they are published.
 * Thread    the store's owner.      Errors    ERR_EXHAUSTED: memory; nothing has changed then.
 */
#ifndef STORAGE_STAGING_H_
#define STORAGE_STAGING_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/store.h"

C_DECLS_BEGIN

struct staged_row {
    uint32_t table;
    bool superseded; /* set by staging_settle */
    uint64_t id;
    struct store_version *version; /* NULL: deleted */
};

/* Zero it to begin with. */
struct staging {
    struct staged_row *rows;
    size_t count;
    size_t capacity;
    uint32_t *index; /* of 2 * capacity cells, for staging_settle; made with the rows, so that settling cannot fail */
};

/* Makes room for one more row. */
MUST_USE int staging_reserve(struct staging *staging, struct err *err);
/* After staging_reserve: takes the reference of version. */
void staging_add(struct staging *staging, uint32_t table, uint64_t id, struct store_version *version);
/* Marks the rows that a later one supersedes. */
void staging_settle(struct staging *staging);
/* Gives up the versions that are still its own, and all rows. */
void staging_clear(struct staging *staging);
void staging_deinit(struct staging *staging);

C_DECLS_END

#endif /* STORAGE_STAGING_H_ */
