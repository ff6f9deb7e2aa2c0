/* wal_batches: the log's batches in order, from segment to segment, up to its end: orderly, torn, or corrupt.
 *
 * Used by   wal_reader.c, which takes the records out of them.
 * Shape     docs/wal-format.md and the head of wal_writer.c.
 * Owns      its file, its window and the batch in it, until the next one.
 * Thread    any one.      Blocks    on the disk.
 * Errors    as wal_reader.h says.
 */
#ifndef STORAGE_WAL_BATCHES_H_
#define STORAGE_WAL_BATCHES_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/wal_format.h"
#include "storage/wal_window.h"
#include "storage/wal_writer.h"

C_DECLS_BEGIN

struct wal_end {
    struct wal_position position; /* behind the last valid batch */
    uint64_t segment_bytes;       /* of the last segment */
    bool clean;                   /* the last batch is the mark of an orderly end */
    bool segment_empty;           /* the last segment holds no batch */
    uint64_t torn_bytes;          /* found behind the end: part of a batch that was never acknowledged */
    uint64_t untrailed_segment;   /* the last but one, when it ends without trailer; 0: none */
    uint64_t untrailed_offset;    /* where it ends */
    uint64_t untrailed_batch;     /* with which the one behind it begins */
    /* Of what was read: */
    uint64_t log_bytes; /* whole files but the last, of which what is used */
    uint64_t segments;
    uint64_t batches; /* marks too */
    uint64_t marks;
    uint64_t records;
    uint64_t durable_batch; /* the highest watermark seen */
};

struct wal_batches {
    const struct fs *fs;
    char *dir;
    uint8_t store_uuid[WAL_ID_BYTES];
    struct wal_segment_header segment;
    uint64_t end_batch;       /* with which the next segment begins, when there is one; else UINT64_MAX */
    struct wal_window window; /* window.file is the segment's; -1: none */
    uint64_t first_lsn;       /* of the first record that can come */
    bool ended;
    struct wal_end end; /* position: behind the batch below */
    uint32_t last_flags;
    /* The batch that next has found, in the window: */
    const char *bytes; /* with its header */
    struct wal_batch_header header;
    uint64_t offset; /* in the segment's file */
};

/* Begins with segment first. store_uuid: whose it must be. */
MUST_USE int wal_batches_init(struct wal_batches *batches, const struct fs *fs, const char *dir,
                              const uint8_t *store_uuid, uint64_t first, struct err *err);
void wal_batches_deinit(struct wal_batches *batches);

/* On to the next batch, a mark too; or ended is true. */
MUST_USE int wal_batches_next(struct wal_batches *batches, struct err *err);
/* Puts the place, of the segment's file, before the complaint. Always returns -1. */
int wal_batches_complain(const struct wal_batches *batches, uint64_t offset, struct err *err);

C_DECLS_END

#endif /* STORAGE_WAL_BATCHES_H_ */
