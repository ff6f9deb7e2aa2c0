/* row_opener: opens sealed rows on their way from the disk, for one reader of a log or of a snapshot.
 *
 * Used by   recovery, wal_tool.
 * Owns      the runs that it met; what a view points at, until the next call.
 * Thread    one at a time.      Blocks    on a slow source of keys, once for each data key.
 * Errors    ERR_CORRUPT: the checksum holds and the seal does not: somebody changed the row, or moved it. ERR_DENIED: the
 *           whole store's key is missing. ERR_EXHAUSTED: memory. A job's key that is missing is no error: its rows are
 *           locked.
 */
#ifndef STORAGE_ROW_OPENER_H_
#define STORAGE_ROW_OPENER_H_

#include "storage/row_seal.h"

C_DECLS_BEGIN

struct row_opener;

enum row_view_kind {
    ROW_VIEW_NONE,  /* it was no row, but a key of those that follow */
    ROW_VIEW_PLAIN, /* row is as it was before it was sealed */
    ROW_VIEW_LOCKED /* row.value is the outline; carried is what to keep */
};

struct row_view {
    enum row_view_kind kind;
    struct wal_row row;
    struct span carried;
    const struct err *why;        /* LOCKED: why it cannot be opened; the ring's, as the keys are */
    const struct data_key *key;   /* the row's own; NULL: none */
    const struct data_key *whole; /* the whole store's; NULL: it was not sealed with that */
};

MUST_USE int row_opener_create(struct keyring *ring, struct row_opener **ret_opener, struct err *err);
/* NULL is allowed. */
void row_opener_destroy(struct row_opener *opener);

/* A batch or a chunk begins: the keys of its rows stand in it. */
void row_opener_begin(struct row_opener *opener);
/* lsn: of the record in a log; of the snapshot. */
MUST_USE int row_opener_open(struct row_opener *opener, enum wal_seal_place place, uint64_t lsn,
                             const struct wal_row *row, struct row_view *ret_view, struct err *err);
/* Runs met so far. */
size_t row_opener_runs(const struct row_opener *opener);

C_DECLS_END

#endif /* STORAGE_ROW_OPENER_H_ */
