/* backup: a consistent copy of a data directory, also of one whose server runs; and a new store made of such a copy.
 *
 * Used by   backup_tool. Never writes to the directory that is copied, and needs no word with its server.
 * Shape     a backup is a directory: MANIFEST, the snapshot and the segments of the store byte for byte, up to the last
 *           batch found, and BACKUP, written when the copy was proved and before MANIFEST, so that at no moment a server
 *           starts in it. The copy is proved, not arranged: a segment's header is read again
 *           after its blocks, since a recycled file gets its new header before any other byte; then the whole copy is
 *           read by the reader that a start uses, and must end where the log of the original did when it was read.
 *           If the server has taken a snapshot and recycled what was being copied, all is begun again.
 *           A restored store has an id of its own, and its log goes on in a segment of a new epoch.
 * Owns      nothing that outlives a call; a restore holds the lock of the new directory.
 * Thread    any one.      Blocks    on the disk.
 * Errors    ERR_INVALID: a directory that is no data directory, not empty, no finished backup; ERR_CORRUPT,
 *           ERR_UNSUPPORTED: the original or the backup cannot be trusted; ERR_UNAVAILABLE: the server recycles faster
 *           than can be copied; ERR_IN_USE; ERR_EXHAUSTED: disk or memory; ERR_IO.
 * Source    docs/wal-format.md; docs/decisions/0015-backup-by-checked-copy.md.
 */
#ifndef STORAGE_BACKUP_H_
#define STORAGE_BACKUP_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/backup_label.h"
#include "storage/file_out.h"
#include "storage/survey.h"

C_DECLS_BEGIN

struct backup_report {
    struct backup_label label;
    struct survey survey; /* of the copy, or of the new store */
    uint64_t bytes;       /* written */
    unsigned attempts;    /* restore: 1 */
};

/* Copies the store in dir into the directory to, which is made, or must be empty. A backup that fails leaves none. */
MUST_USE int backup_make(const struct fs *fs, const char *dir, const char *to, struct copy_watch *watch,
                         struct backup_report *ret_report, struct err *err);

/* Makes the directory dir, which must be absent or empty, a store of the backup's rows. Until it is whole the directory
 * holds RESTORING and no server starts in it; afterwards RESTORED, for the server's first start. */
MUST_USE int backup_restore(const struct fs *fs, const char *from, const char *dir, struct copy_watch *watch,
                            struct backup_report *ret_report, struct err *err);

/* ERR_CORRUPT, with a sentence that says what to do, when dir is a backup, or a restore into it did not finish; what keeps
 * one from knowing is an error too. */
MUST_USE int backup_check_startable(const struct fs *fs, const char *dir, struct err *err);

/* *ret_restored true once after a restore, until backup_note_started: replicas that the store believes to run may have no
 * files here. */
MUST_USE int backup_is_restored(const struct fs *fs, const char *dir, bool *ret_restored, struct err *err);
MUST_USE int backup_note_started(const struct fs *fs, const char *dir, struct err *err);

C_DECLS_END

#endif /* STORAGE_BACKUP_H_ */
