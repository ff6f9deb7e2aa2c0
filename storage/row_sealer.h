/* row_sealer: seals rows on their way to the disk, for one writer of a log or of a snapshot.
 *
 * Used by   wal_writer, snapshot_writer.
 * Shape     for each key a run: a random id and numbers counted from 0, both known to this sealer alone, so that no nonce
 *           is ever used twice: what a crash tears, what a backup brings back and what a copied directory goes on with is
 *           sealed in another run. Every batch and every chunk begins with the wrapped keys of the runs that it uses.
 * Owns      its runs; what a sealing points at, until the next call.
 * Thread    one at a time.      Blocks    never.
 * Errors    ERR_NOT_FOUND, ERR_UNAVAILABLE: of the key (keyring.h); ERR_EXHAUSTED: memory. Nothing has changed then.
 */
#ifndef STORAGE_ROW_SEALER_H_
#define STORAGE_ROW_SEALER_H_

#include "storage/row_seal.h"

C_DECLS_BEGIN

struct row_sealer;

/* How a row is to be sealed. */
struct row_wish {
    struct span key_name; /* empty: with the store's key or not at all */
    struct span outline;  /* what stays in clear */
    struct span carried;  /* a locked row as it was found: goes on as it is (row_opener.h) */
};

/* The records to write instead of the row, in order; the last is the row. */
struct row_sealing {
    struct wal_row rows[3];
    size_t count;
};

/* store_key: the whole store's, NULL for none; must outlive the sealer, as the ring. */
MUST_USE int row_sealer_create(struct keyring *ring, const char *store_key, enum wal_seal_place place,
                               struct row_sealer **ret_sealer, struct err *err);
/* NULL is allowed. */
void row_sealer_destroy(struct row_sealer *sealer);

/* A batch or a chunk begins. */
void row_sealer_begin(struct row_sealer *sealer);
/* lsn: of the first record to write in a log; of the snapshot. Of a row that needs no sealing, the row alone. */
MUST_USE int row_sealer_seal(struct row_sealer *sealer, const struct wal_row *row, const struct row_wish *wish,
                             uint64_t lsn, struct row_sealing *ret_sealing, struct err *err);
/* The sealing will be written: its keys need not stand in this batch again. */
MUST_USE int row_sealer_keep(struct row_sealer *sealer, const struct row_sealing *sealing, struct err *err);

C_DECLS_END

#endif /* STORAGE_ROW_SEALER_H_ */
