/* wal_spare: blank segments kept ready, so that the log rolls over without waiting for zeros to be written.
 *
 * Used by   wal_writer (takes), store_tend (gives recycled ones), recovery (finds those of an earlier run).
 * Shape     files NNNNNNNNNNNNNNNN.spare of any content: a segment's checks are seeded by its own random id, so that
 *           nothing from an earlier life of the file can be taken for the log. At most 2. NNNNNNNNNNNNNNNN counts spares, so that
 *           a recycled one never takes the name of one in the making.
 * Owns      one background thread and the spare files.
 * Thread    all functions: the log's owner.      Blocks    destroy and settle, until the background is done.
 * Errors    not to have a spare is no failure: the writer then makes its segment itself, and says what is wrong.
 */
#ifndef STORAGE_WAL_SPARE_H_
#define STORAGE_WAL_SPARE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/data_dir.h"

C_DECLS_BEGIN

/* Kept in any case, and at most. */
#define WAL_SPARES_MIN 2
#define WAL_SPARES_MAX 256

struct wal_spare;

MUST_USE int wal_spare_create(const struct fs *fs, const char *dir, uint64_t segment_bytes,
                              struct wal_spare **ret_spare, struct err *err);
/* NULL is allowed. The files stay, for the next start. */
void wal_spare_destroy(struct wal_spare *spare);

/* The log will grow by about so many bytes before segments come back: from now on as many spares are kept. They take no
 * more room than the log will, and save the zeros of new segments, which cost as much as the log itself. */
void wal_spare_expect(struct wal_spare *spare, uint64_t log_bytes);

/* Begins to make one in the background unless so many are there, or one is in the making. After a failure the next wants
 * pass: it may be asked for with each commit. */
void wal_spare_want(struct wal_spare *spare, size_t count);
size_t wal_spare_ready(struct wal_spare *spare);
/* Removes those that are ready, for the room they take. */
void wal_spare_drop(struct wal_spare *spare);
/* True: *ret_path is a spare of *ret_bytes, now the caller's, and *ret_recycled says whether it may hold old bytes. */
bool wal_spare_take(struct wal_spare *spare, struct data_dir_path *ret_path, uint64_t *ret_bytes, bool *ret_recycled);

/* Keeps the segment file, which nothing needs any more, as a spare, or has it removed in the background. */
MUST_USE int wal_spare_recycle(struct wal_spare *spare, uint64_t number, struct err *err);
/* Waits until what recycling gave up is removed. */
void wal_spare_settle(struct wal_spare *spare);
/* Takes over a spare file found at start, or removes it. */
MUST_USE int wal_spare_adopt(struct wal_spare *spare, uint64_t number, struct err *err);

C_DECLS_END

#endif /* STORAGE_WAL_SPARE_H_ */
