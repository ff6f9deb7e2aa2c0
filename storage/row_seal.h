/* row_seal: what sealing and opening a row have in common: the key of a run, and what is bound to the bytes.
 *
 * Used by   row_sealer.c, row_opener.c.
 * Shape     run key = HKDF-SHA256(data key, salt run id, "customjobd rows 1"); nonce = number within the run; bound are
 *           "CJR1", table u32, place u32, id u64, lsn u64, flags u32 (1: nested, 2: whole), the outline.
 * Valid iff the tag holds and the row stands where it was sealed: in the log at its own lsn; in a snapshot at the
 *           snapshot's lsn, or carried over, locked, from an older place.
 * Thread    values; any.
 */
#ifndef STORAGE_ROW_SEAL_H_
#define STORAGE_ROW_SEAL_H_

#include "base/err.h"
#include "seal/keyring.h"
#include "storage/wal_record.h"

C_DECLS_BEGIN

#define ROW_SEAL_BOUND_BYTES 32
/* The most that an outline may have; a name and a few numbers. */
#define ROW_SEAL_OUTLINE_BYTES_MAX 4096

/* Bytes that grow. Zero it to begin with. */
struct row_bytes {
    char *data;
    size_t capacity;
};

MUST_USE int row_bytes_reserve(struct row_bytes *bytes, size_t size, struct err *err);
void row_bytes_deinit(struct row_bytes *bytes);

/* data_key must be open. */
MUST_USE int row_seal_make_box(const struct data_key *data_key, const uint8_t *run, struct seal_box **ret_box,
                               struct err *err);
/* What is bound to the sealed bytes of the row; memory of ROW_SEAL_BOUND_BYTES + ROW_SEAL_OUTLINE_BYTES_MAX. */
struct span row_seal_bound(const struct wal_row *row, char *memory);

C_DECLS_END

#endif /* STORAGE_ROW_SEAL_H_ */
