/* survey: everything of a data directory that counts, read once and found sound, by the readers that a start uses.
 *
 * Used by   wal_tool, backup, restore. Never writes, takes no lock.
 * Shape     the snapshot that MANIFEST names, then the log from the first segment that it names. A server may append,
 *           take snapshots and recycle segments beside it: whoever fails asks survey_has_moved_on, and tries again.
 * Thread    any one.      Blocks    on the disk.
 * Errors    of the readers; a snapshot that MANIFEST names and that is not there is ERR_CORRUPT.
 */
#ifndef STORAGE_SURVEY_H_
#define STORAGE_SURVEY_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/data_dir.h"
#include "storage/wal_reader.h"

C_DECLS_BEGIN

/* How often a directory in use is read again when it has moved on meanwhile. */
#define SURVEY_ATTEMPTS 10

/* Rows and records are borrowed during the call. Both may be NULL. */
struct survey_visit {
    void *context;
    void (*row)(void *context, const struct wal_row *row);          /* of the snapshot */
    void (*record)(void *context, const struct wal_record *record); /* of the log */
};

struct survey {
    struct manifest manifest;
    uint64_t snapshot_rows;
    uint64_t snapshot_bytes;
    uint64_t snapshot_end_lsn;
    uint64_t first_lsn; /* of the log */
    struct wal_end end;
};

enum survey_parts { SURVEY_SNAPSHOT = 1, SURVEY_LOG = 2, SURVEY_ALL = 3 };

/* Reads as the manifest tells. visit: NULL for none. */
MUST_USE int survey_read_as(const struct fs *fs, const char *dir, const struct manifest *manifest, unsigned parts,
                            const struct survey_visit *visit, struct survey *ret_survey, struct err *err);
/* The same with the directory's own MANIFEST. *ret_manifest is set as soon as that was read, also on failure. */
MUST_USE int survey_read(const struct fs *fs, const char *dir, unsigned parts, const struct survey_visit *visit,
                         struct manifest *ret_manifest, struct survey *ret_survey, struct err *err);
/* True when MANIFEST is another one now: what failed may have been recycled meanwhile. */
bool survey_has_moved_on(const struct fs *fs, const char *dir, const struct manifest *manifest);

C_DECLS_END

#endif /* STORAGE_SURVEY_H_ */
