/* wal_format: the byte layout of the log's blocks, field by field; the only place that knows offsets.
 *
 * Used by   wal_segment, wal_writer, wal_reader, snapshot_*; nobody outside storage/.
 * Shape     as the head of wal_writer.c and docs/wal-format.md tell; little endian.
 * Thread    values; any.      Units     bytes.
 */
#ifndef STORAGE_WAL_FORMAT_H_
#define STORAGE_WAL_FORMAT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

#define WAL_BLOCK_BYTES FS_BLOCK_BYTES
#define WAL_VERSION 1
#define WAL_ID_BYTES 16
#define WAL_BATCH_HEADER_BYTES 64
#define WAL_RECORD_HEADER_BYTES 8

/* Bits of the masks that this program knows; none yet. */
#define WAL_INCOMPAT_KNOWN 0u
#define WAL_RO_COMPAT_KNOWN 0u

/* The smallest segment: header, one batch of one block, trailer. */
#define WAL_SEGMENT_BYTES_MIN (3 * WAL_BLOCK_BYTES)

enum wal_segment_flags {
    WAL_SEGMENT_RECYCLED = 1 /* blocks behind the tail may hold bytes of an earlier life; else they are zero */
};

enum wal_batch_flags {
    WAL_BATCH_MARK = 1,  /* no records: carries the watermark alone */
    WAL_BATCH_CLOSE = 2, /* the mark of an orderly end */
    WAL_BATCH_OPEN = 4   /* the mark of a start behind an orderly end */
};
#define WAL_BATCH_FLAGS_KNOWN 7u

/* Types stand in wal_record.h: enum wal_row_kind. */
#define WAL_RECORD_VERSION 1

struct wal_segment_header {
    uint32_t version;
    uint32_t incompat;
    uint32_t ro_compat;
    uint32_t compat;
    uint32_t flags;
    uint8_t store_uuid[WAL_ID_BYTES];
    uint8_t segment_id[WAL_ID_BYTES]; /* random: a batch of another life of the file never fits */
    uint64_t epoch;
    uint64_t number;
    uint64_t segment_bytes;
    uint64_t first_lsn;
    uint64_t first_batch;
    uint32_t chain; /* of the last batch before this segment */
    uint32_t crc;   /* of the block; seeds the check of all that follows in the segment */
};

struct wal_batch_header {
    uint64_t epoch;
    uint64_t batch;
    uint64_t first_lsn;
    uint64_t durable_batch; /* all batches up to this one were durable when this one was written */
    uint32_t record_count;
    uint32_t length; /* of the records, without header and padding */
    uint32_t previous_chain;
    uint32_t chain;
    uint32_t flags;
};

struct wal_trailer {
    uint64_t next_segment; /* exists since before this was written */
    uint64_t next_batch;
};

/* Writes the block; sets header->crc. */
void wal_segment_header_encode(struct wal_segment_header *header, void *block);
/* ERR_CORRUPT: no header or a damaged one; ERR_UNSUPPORTED: of a newer program. */
MUST_USE int wal_segment_header_decode(const void *block, struct wal_segment_header *ret_header, struct err *err);

/* Makes the block of a valid header that of another store's segment, of another size, and leaves all else as it is, also
 * what this program does not know. Returns the new crc. */
uint32_t wal_segment_header_rebrand(void *block, const uint8_t *store_uuid, uint64_t segment_bytes);

/* Writes the 64 bytes; chain and check are filled by wal_batch_seal. */
void wal_batch_header_encode(const struct wal_batch_header *header, void *bytes);
/* Computes the chain over a whole padded batch and writes chain and header check into it. Returns the chain. */
uint32_t wal_batch_seal(void *batch, size_t padded_bytes, uint32_t previous_chain, uint32_t segment_crc);
/* True: the header's own check holds for this segment. Says nothing of what follows the header. */
bool wal_batch_header_decode(const void *bytes, uint32_t segment_crc, struct wal_batch_header *ret_header);
/* Makes the header of a valid batch one of the segment with that crc; the chain does not depend on it. */
void wal_batch_header_rebrand(void *bytes, uint32_t segment_crc);
/* The chain that a whole padded batch should carry. */
uint32_t wal_batch_chain(const void *batch, size_t padded_bytes, uint32_t previous_chain);

void wal_trailer_encode(const struct wal_trailer *trailer, uint32_t segment_crc, void *block);
bool wal_trailer_decode(const void *block, uint32_t segment_crc, struct wal_trailer *ret_trailer);

bool wal_is_zero(const void *bytes, size_t size);

static inline uint64_t wal_round_up(uint64_t bytes)
{
    return (bytes + WAL_BLOCK_BYTES - 1) / WAL_BLOCK_BYTES * WAL_BLOCK_BYTES;
}

/* Bytes of a batch on disk. */
static inline uint64_t wal_batch_padded(uint64_t length)
{
    return wal_round_up(WAL_BATCH_HEADER_BYTES + length);
}

/* ---- little endian ---- */

void wal_put16(void *at, uint16_t value);
void wal_put32(void *at, uint32_t value);
void wal_put64(void *at, uint64_t value);
uint16_t wal_get16(const void *at);
uint32_t wal_get32(const void *at);
uint64_t wal_get64(const void *at);

C_DECLS_END

#endif /* STORAGE_WAL_FORMAT_H_ */
