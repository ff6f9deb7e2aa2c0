/* wal_reader: reads the log's records in order, and finds its end: orderly, torn, or corrupt.
 *
 * Used by   recovery and wal_tool: one reader, one verdict. Never writes.
 * Shape     docs/wal-format.md and the head of wal_writer.c.
 * Owns      its files and buffers. A returned record borrows them until the next call.
 * Thread    any one.      Blocks    on the disk.
 * Errors    ERR_CORRUPT with file and offset: what was acknowledged is damaged or missing. ERR_UNSUPPORTED: a newer
 *           program's. A torn tail is no error: it was never acknowledged. A log that is being written may be read: what
 *           is being written is not there yet.
 */
#ifndef STORAGE_WAL_READER_H_
#define STORAGE_WAL_READER_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/read_ahead.h"
#include "storage/wal_batches.h"
#include "storage/wal_record.h"

C_DECLS_BEGIN

struct wal_reader;

struct wal_record {
    uint64_t lsn;
    uint64_t batch;
    uint64_t segment;
    uint64_t offset; /* of the record, in the segment's file */
    struct wal_row row;
};

/* The records of one batch, as they stand in the log; lsns count up from first_lsn. */
struct wal_batch {
    struct span records;
    uint32_t record_count;
    uint64_t first_lsn;
    uint64_t segment;
    uint64_t offset; /* of the first record, in the segment's file */
};

/* Begins with segment first. store_uuid: whose it must be. */
MUST_USE int wal_reader_open(const struct fs *fs, const char *dir, const uint8_t *store_uuid, uint64_t first,
                             struct wal_reader **ret_reader, struct err *err);
/* NULL is allowed. */
void wal_reader_close(struct wal_reader *reader);

/* The lsn of the first record that can come. */
uint64_t wal_reader_first_lsn(const struct wal_reader *reader);

/* The next record; or *ret_end true, *ret_record untouched, and from then on wal_reader_end answers. */
MUST_USE int wal_reader_next(struct wal_reader *reader, struct wal_record *ret_record, bool *ret_end, struct err *err);
/* The same for a whole batch, undecoded: of a batch either the records are asked for or the whole. Its bytes are good
 * until the next call, or as long as the buffer is held. */
MUST_USE int wal_reader_next_batch(struct wal_reader *reader, struct wal_batch *ret_batch, bool *ret_end,
                                   struct err *err);
/* Of the last batch, borrowed; every hold of it is given back before the reader is closed. */
struct read_buffer *wal_reader_buffer(const struct wal_reader *reader);
const struct wal_end *wal_reader_end(const struct wal_reader *reader);

C_DECLS_END

#endif /* STORAGE_WAL_READER_H_ */
