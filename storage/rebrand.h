/* rebrand: the files of one store written anew as another's: the store's id, and the checks that depend on it.
 *
 * Used by   restore.
 * Shape     records are carried over as they are, with their lsns, batches and chain: what is sealed stays sealed, and
 *           no key is needed. A segment keeps its random id: the same bytes under the same id are no new ones. It ends
 *           behind its trailer.
 * Thread    any one.      Blocks    on the disk.
 * Errors    ERR_CORRUPT, ERR_IO, ERR_EXHAUSTED, ERR_EXISTS.
 */
#ifndef STORAGE_REBRAND_H_
#define STORAGE_REBRAND_H_

#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/file_out.h"

C_DECLS_BEGIN

struct rebrand {
    const struct fs *fs;
    const char *from;
    const char *to;
    const uint8_t *store_uuid; /* the new one */
    struct copy_watch *watch;
};

/* Writes segment number up to the batch before next_batch, and a trailer that the log goes on in the next one. */
MUST_USE int rebrand_segment(const struct rebrand *rebrand, uint64_t number, uint64_t next_batch, struct err *err);
MUST_USE int rebrand_snapshot(const struct rebrand *rebrand, uint64_t lsn, struct err *err);

C_DECLS_END

#endif /* STORAGE_REBRAND_H_ */
