/* wal_writer: appends to the log: rows gather in a batch, one sync writes it and makes it durable, all or nothing.
 *
 * Used by   store_* (the owner's thread) and recovery (which tells it where the log ends).
 * Shape     docs/wal-format.md and the head of wal_writer.c.
 * Owns      the active segment's file and the batch's memory.
 * Thread    one: the log's owner.      Blocks    sync, mark and a roll-over on the disk.
 * Errors    after a failed sync or mark nothing more may be written: what is on the disk is not known. ERR_EXHAUSTED
 *           (disk full), ERR_IO. A failed append has changed nothing.
 */
#ifndef STORAGE_WAL_WRITER_H_
#define STORAGE_WAL_WRITER_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/row_sealer.h"
#include "storage/wal_record.h"
#include "storage/wal_spare.h"

C_DECLS_BEGIN

/* The most that one batch may hold, frames included: 8 values of the greatest size. */
#define WAL_BATCH_BYTES_MAX (64u * 1024 * 1024 + 4096)

struct wal_writer;

/* Where the log goes on. */
struct wal_position {
    uint64_t epoch;
    uint64_t segment; /* begin: the one to make; resume: the one to append to */
    uint64_t offset;  /* resume: of the next batch */
    uint64_t next_batch;
    uint64_t next_lsn;
    uint32_t chain; /* of the last batch */
};

struct wal_writer_options {
    const struct fs *fs;
    const char *dir; /* must outlive the writer */
    const uint8_t *store_uuid;
    uint64_t segment_bytes;
    struct wal_spare *spare;
    struct row_sealer *sealer; /* NULL: no row has a wish */
};

/* Begins a new segment at the position. */
MUST_USE int wal_writer_begin(const struct wal_writer_options *options, const struct wal_position *position,
                              struct wal_writer **ret_writer, struct err *err);
/* Goes on in the segment in which the log ended in order, with an opening mark. */
MUST_USE int wal_writer_resume(const struct wal_writer_options *options, const struct wal_position *position,
                               struct wal_writer **ret_writer, struct err *err);
/* NULL is allowed. Writes nothing. */
void wal_writer_close(struct wal_writer *writer);

/* Gathers one row, sealed as wished; wish NULL: as it is. ERR_EXHAUSTED: the batch would pass WAL_BATCH_BYTES_MAX, or memory; else what the
 * sealer says. */
MUST_USE int wal_writer_append(struct wal_writer *writer, const struct wal_row *row, const struct row_wish *wish,
                               struct err *err);
/* Forgets what was gathered. */
void wal_writer_discard(struct wal_writer *writer);
/* Writes what was gathered, at least one row, as one batch; durable on return. */
MUST_USE int wal_writer_sync(struct wal_writer *writer, struct err *err);
/* Writes a batch without rows that carries the watermark; closing: the mark of an orderly end. Nothing may be gathered. */
MUST_USE int wal_writer_mark(struct wal_writer *writer, bool closing, struct err *err);

/* True: the last batch holds rows, so that damage to it would look like a tear until a mark follows. */
bool wal_writer_wants_mark(const struct wal_writer *writer);
/* Of the last durable row; 0: none. */
uint64_t wal_writer_last_lsn(const struct wal_writer *writer);
uint64_t wal_writer_segment(const struct wal_writer *writer);
/* Bytes of log made since this writer was: batches, and what segments left unused when the log rolled over. */
uint64_t wal_writer_bytes(const struct wal_writer *writer);

C_DECLS_END

#endif /* STORAGE_WAL_WRITER_H_ */
