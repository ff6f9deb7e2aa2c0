/* backup_label: the file BACKUP in a directory: it holds a whole backup, and of what.
 *
 * Used by   backup (writes, last of all), restore and store_open (which takes no backup for a data directory).
 * Shape     a text of one line per value, as MANIFEST; its last line is the crc32c of all before it.
 * Valid iff it is, byte for byte, what its values are written as.
 * Thread    values; any.      Blocks    on the disk.
 * Errors    ERR_NOT_FOUND: no backup, or one that was not finished; ERR_CORRUPT; ERR_UNSUPPORTED.
 */
#ifndef STORAGE_BACKUP_LABEL_H_
#define STORAGE_BACKUP_LABEL_H_

#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/wal_format.h"

C_DECLS_BEGIN

struct backup_label {
    uint8_t store_uuid[WAL_ID_BYTES]; /* of the store that it was taken of */
    int64_t time_unix_ns;             /* when it was begun: what was acknowledged by then is in it */
    uint64_t snapshot_lsn;
    uint64_t first_segment;
    uint64_t last_segment;
    uint64_t epoch;
    uint64_t last_batch; /* damage to the last batch would pass for a tear, but for these three */
    uint64_t last_lsn;
    uint32_t chain;
};

MUST_USE int backup_label_read(const struct fs *fs, const char *dir, struct backup_label *ret_label, struct err *err);
/* Durable on return. */
MUST_USE int backup_label_write(const struct fs *fs, const char *dir, const struct backup_label *label,
                                struct err *err);

C_DECLS_END

#endif /* STORAGE_BACKUP_LABEL_H_ */
