/* backup_private: what making and restoring a backup share.
 *
 * Used by   backup.c, restore.c; nobody else.
 */
#ifndef STORAGE_BACKUP_PRIVATE_H_
#define STORAGE_BACKUP_PRIVATE_H_

#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

/* Makes the directory; ERR_INVALID unless it holds nothing but what a file system or a lock leaves. */
MUST_USE int backup_claim_dir(const struct fs *fs, const char *dir, struct err *err);
/* ERR_EXHAUSTED when the file system has not so many bytes left. */
MUST_USE int backup_check_room(const struct fs *fs, const char *dir, uint64_t bytes, struct err *err);

C_DECLS_END

#endif /* STORAGE_BACKUP_PRIVATE_H_ */
