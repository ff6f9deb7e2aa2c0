/* snapshot: an image of all rows in one file, written beside the running store and read at start.
 *
 * Used by   store_snapshot (writes), recovery and wal_tool (read).
 * Shape     snapshot_format.h.
 * Owns      a writer its unfinished file: removed unless finished.
 * Thread    one per writer or reader.      Blocks    on the disk.
 * Errors    ERR_CORRUPT with file and offset; ERR_UNSUPPORTED; ERR_EXHAUSTED: disk or memory; ERR_IO.
 */
#ifndef STORAGE_SNAPSHOT_H_
#define STORAGE_SNAPSHOT_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/read_ahead.h"
#include "storage/row_sealer.h"
#include "storage/store.h"
#include "storage/wal_format.h"
#include "storage/wal_record.h"

C_DECLS_BEGIN

struct snapshot_head {
    uint8_t store_uuid[WAL_ID_BYTES];
    uint64_t lsn;
    uint64_t last_ids[STORE_TABLE_COUNT];
};

struct snapshot_writer;

/* sealer: of this snapshot; must outlive the writer. NULL: no row has a wish. */
MUST_USE int snapshot_writer_open(const struct fs *fs, const char *dir, const struct snapshot_head *head,
                                  struct row_sealer *sealer, struct snapshot_writer **ret_writer, struct err *err);
/* Adds a row, sealed as wished; wish NULL: as it is. */
MUST_USE int snapshot_writer_add(struct snapshot_writer *writer, const struct wal_row *row, const struct row_wish *wish,
                                 struct err *err);
/* Writes the footer, syncs, names the file durably. Then close. */
MUST_USE int snapshot_writer_finish(struct snapshot_writer *writer, uint64_t end_lsn, struct err *err);
/* NULL is allowed. Removes the file unless it was finished. */
void snapshot_writer_close(struct snapshot_writer *writer);

struct snapshot_reader;

/* Opens the snapshot of that lsn of that store. */
MUST_USE int snapshot_reader_open(const struct fs *fs, const char *dir, const uint8_t *store_uuid, uint64_t lsn,
                                  struct snapshot_reader **ret_reader, struct err *err);
/* Opens the snapshot in that file, of whichever lsn and store; for tools. */
MUST_USE int snapshot_reader_open_file(const struct fs *fs, const char *path, struct snapshot_reader **ret_reader,
                                       struct err *err);
void snapshot_reader_close(struct snapshot_reader *reader);
const struct snapshot_head *snapshot_reader_head(const struct snapshot_reader *reader);
/* The next row, borrowed until the next call; or *ret_end true once the footer was found to agree. */
MUST_USE int snapshot_reader_next(struct snapshot_reader *reader, struct wal_row *ret_row, bool *ret_end,
                                  struct err *err);

/* The rows of one chunk, as they stand in the file. */
struct snapshot_chunk {
    struct span records;
    uint32_t record_count;
    uint64_t offset; /* of the first record, in the file */
};

/* The same for a whole chunk, undecoded: of a chunk either the rows are asked for or the whole. Its bytes are good
 * until the next call, or as long as the buffer is held. */
MUST_USE int snapshot_reader_next_chunk(struct snapshot_reader *reader, struct snapshot_chunk *ret_chunk, bool *ret_end,
                                        struct err *err);
/* Of the last chunk, borrowed; every hold of it is given back before the reader is closed. */
struct read_buffer *snapshot_reader_buffer(const struct snapshot_reader *reader);

/* A row is borrowed during the call. */
typedef void (*snapshot_row_fn)(void *context, const struct wal_row *row);
/* Reads to the end and counts the rows. visit: NULL for none. */
MUST_USE int snapshot_reader_visit(struct snapshot_reader *reader, snapshot_row_fn visit, void *context,
                                   uint64_t *ret_rows, struct err *err);
/* After the end. */
uint64_t snapshot_reader_end_lsn(const struct snapshot_reader *reader);
uint64_t snapshot_reader_bytes(const struct snapshot_reader *reader);

C_DECLS_END

#endif /* STORAGE_SNAPSHOT_H_ */
