/* recovery: from what lies in the data directory to tables in memory and a log ready to be appended to.
 *
 * Used by   store_open.
 * Shape     snapshot, then the log's records behind it, in order; each is a full image, so that one applied twice, or
 *           over a later image in the snapshot, ends the same. Nothing on the disk is changed before all of it has been
 *           read and found sound. After an end that was not orderly the log goes on in a new segment of a new epoch.
 * Owns      what it returns; the caller closes writer and spare.
 * Thread    the one that opens the store.      Blocks    on the disk.
 * Errors    ERR_CORRUPT, ERR_UNSUPPORTED name file and offset; ERR_DENIED: the store is sealed as a whole, and its key is
 *           not here or was not asked for; ERR_IO; ERR_EXHAUSTED.
 */
#ifndef STORAGE_RECOVERY_H_
#define STORAGE_RECOVERY_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/data_dir.h"
#include "storage/reclaim.h"
#include "storage/store.h"
#include "storage/table.h"
#include "storage/wal_spare.h"
#include "storage/wal_writer.h"

C_DECLS_BEGIN

struct recovery_input {
    const struct fs *fs;
    const char *dir; /* locked; must outlive the writer */
    store_extract_fn extract;
    struct keyring *keys;
    const char *store_key;     /* NULL: none */
    struct row_sealer *sealer; /* for the writer */
    uint64_t segment_bytes;
    struct table **tables; /* [STORE_TABLE_COUNT], filled; number 0 is NULL */
    struct reclaim *reclaim;
    struct manifest *manifest; /* set; must outlive the writer */
};

struct recovery_result {
    struct wal_writer *writer;
    struct wal_spare *spare;
    uint64_t last_ids[STORE_TABLE_COUNT];
    int64_t live_bytes;
    uint64_t log_bytes;           /* behind the snapshot */
    bool wants_snapshot;          /* some of it is sealed with old keys, or not though it should be */
    struct store_recovery report; /* but entries and duration_ns */
};

MUST_USE int recovery_run(const struct recovery_input *input, struct recovery_result *ret_result, struct err *err);

C_DECLS_END

#endif /* STORAGE_RECOVERY_H_ */
