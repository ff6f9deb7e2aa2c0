/* The log, byte for byte. docs/wal-format.md says the same with its reasons. Little endian; a block is 4096 bytes.
 *
 * A segment is a file NNNNNNNNNNNNNNNN.wal (number, hexadecimal), made whole before it gets its name:
 *
 *     block 0                 header
 *     block 1 …               batches, each at the start of a block, one behind the other
 *     behind the last batch   a trailer when the log goes on in the next segment, else anything
 *
 *   header    0 "CJWALSEG"    8 version u32 = 1      12 crc u32         16 incompat u32    20 ro_compat u32
 *            24 compat u32   28 flags u32 (1: recycled)                 32 store uuid [16] 48 segment id [16], random
 *            64 epoch u64    72 number u64           80 size of the file u64               88 first lsn u64
 *            96 first batch u64                     104 chain before the first batch u32  108 zero to the block's end
 *     Valid iff crc is the crc32c of the block with the crc as zero, the version is 1, no unknown bit stands in incompat
 *     (nor, to write, in ro_compat; compat is ignored), number is the file's name, size the file's size and the uuid
 *     the store's.
 *
 *   batch     0 "CJB1"        4 header crc u32        8 epoch u64       16 batch u64       24 first lsn u64
 *            32 durable batch u64                    40 record count u32                   44 length u32
 *            48 previous chain u32                   52 chain u32       56 flags u32       60 zero u32
 *            64 length bytes of records, then zeros to the end of the block
 *     Its header is valid iff header crc is the crc32c, seeded with the segment's crc, of the 64 bytes with it as zero.
 *     A batch is valid iff its header is, epoch is the segment's, batch, first lsn and previous chain are those that
 *     follow from the batch before, and chain is the crc32c, seeded with previous chain, of the whole padded batch with
 *     both checks as zero. It is a part of the log iff it is valid, all before it are, and the next segment, if there is
 *     one, begins with a later batch.
 *     flags: 1 a mark, without records; 2 the mark of an orderly end; 4 the mark of a start behind one.
 *
 *   record    0 length u32    4 type u16             6 version u16 = 1  8 a message of customjobd.wal.v1, length bytes
 *     type: 1 WalRecord, a row; 2 SealKey, what the sealed rows behind it in the batch need; 3 SealedRow (row_seal.h).
 *     Its lsn is its batch's first lsn plus its place in it.
 *
 *   trailer   0 "CJWALEND"    8 crc u32, seeded with the segment's     12 zero u32
 *            16 next segment u64                     24 next batch u64  32 zero to the block's end
 *
 * Order of writing. One batch is in flight at a time: batch k + 1 is written only after k is durable, and says so
 * (durable batch = k). So a valid header with batch > k or durable batch >= k anywhere behind an invalid batch k proves
 * that k was whole once: corrupt. Nothing of the kind: torn, and never acknowledged. Damage to the very last batch alone
 * looks like a tear, which is why a mark follows after a moment of rest and at the end.
 * A segment's successor is durable, under its name, before the trailer that names it is written and before its first
 * batch is; so a trailer without successor is a lost file, and a successor without trailer a crash between the two.
 * A block that held acknowledged bytes is never written again.
 */
#include "storage/wal_writer.h"

#include <stdlib.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/wal_format.h"
#include "storage/wal_segment.h"

/* A segment that must be made at once, no spare being ready, is kept small: 3 ms to fill where 64 MiB take 30. */
#define INLINE_SEGMENT_BYTES (4u * 1024 * 1024)
/* And on a disk that has no room for that one, as small as is worth a file. */
#define LAST_SEGMENT_BYTES (64u * 1024)
#define BUFFER_BYTES (256u * 1024)

struct wal_writer {
    struct wal_writer_options options;
    int file; /* -1: none */
    struct wal_segment_header segment;
    uint64_t offset;
    uint64_t next_batch;
    uint64_t next_lsn; /* of the first gathered row */
    uint32_t chain;
    bool wants_mark;
    uint64_t bytes;
    char *buffer; /* the batch: header, then records */
    size_t capacity;
    size_t length; /* of the records */
    uint32_t count;
};

static struct wal_writer *writer_create(const struct wal_writer_options *options, const struct wal_position *position)
{
    struct wal_writer *writer = calloc(1, sizeof *writer);

    if (!writer) {
        return NULL;
    }
    writer->options = *options;
    writer->file = -1;
    writer->next_batch = position->next_batch;
    writer->next_lsn = position->next_lsn;
    writer->chain = position->chain;
    writer->capacity = BUFFER_BYTES;
    writer->buffer = wal_segment_buffer(BUFFER_BYTES);
    if (!writer->buffer) {
        free(writer);
        return NULL;
    }
    return writer;
}

void wal_writer_close(struct wal_writer *writer)
{
    if (!writer) {
        return;
    }
    if (writer->file >= 0) {
        writer->options.fs->close(writer->options.fs, writer->file);
    }
    free(writer->buffer);
    free(writer);
}

/* What a segment must measure so that a batch of padded bytes fits between header and trailer. */
static uint64_t segment_bytes_for(uint64_t padded)
{
    return padded + 2 * WAL_BLOCK_BYTES;
}

/* Tries again on a full disk. */
static int create_smaller(const struct wal_writer_options *options, uint64_t least, struct wal_segment_header *header,
                          int *ret_file, struct err *err)
{
    uint64_t bytes = least > LAST_SEGMENT_BYTES ? least : LAST_SEGMENT_BYTES;

    if (err->code != ERR_EXHAUSTED || header->segment_bytes <= bytes) {
        return -1;
    }
    header->segment_bytes = bytes;
    return wal_segment_create(options->fs, options->dir, NULL, header, ret_file, err);
}

/* Makes the segment of that number the active one; the first batch it must hold measures padded bytes. */
static int start_segment(struct wal_writer *writer, uint64_t number, uint64_t epoch, uint64_t padded, struct err *err)
{
    const struct wal_writer_options *options = &writer->options;
    struct wal_segment_header header = {.version = WAL_VERSION};
    uint64_t least = segment_bytes_for(padded);
    struct data_dir_path spare;
    bool recycled = false;
    bool has_spare =
        least <= options->segment_bytes && wal_spare_take(options->spare, &spare, &header.segment_bytes, &recycled);
    int file;

    if (!has_spare) {
        uint64_t bytes = options->segment_bytes < INLINE_SEGMENT_BYTES ? options->segment_bytes : INLINE_SEGMENT_BYTES;

        header.segment_bytes = bytes > least ? bytes : least;
    }
    header.flags = recycled ? WAL_SEGMENT_RECYCLED : 0;
    memcpy(header.store_uuid, options->store_uuid, WAL_ID_BYTES);
    header.epoch = epoch;
    header.number = number;
    header.first_lsn = writer->next_lsn;
    header.first_batch = writer->next_batch;
    header.chain = writer->chain;
    if (wal_segment_create(options->fs, options->dir, has_spare ? &spare : NULL, &header, &file, err) != 0 &&
        (has_spare || create_smaller(options, least, &header, &file, err) != 0)) {
        return -1;
    }
    writer->file = file;
    writer->segment = header;
    writer->offset = WAL_BLOCK_BYTES;
    return 0;
}

/* Goes on in the next segment and ends this one. */
static int roll(struct wal_writer *writer, uint64_t padded, struct err *err)
{
    const struct fs *fs = writer->options.fs;
    struct wal_segment_header old = writer->segment;
    uint64_t old_offset = writer->offset;
    int old_file = writer->file;
    struct wal_trailer trailer = {old.number + 1, writer->next_batch};
    int result;

    if (start_segment(writer, old.number + 1, old.epoch, padded, err) != 0) {
        return -1;
    }
    result = wal_segment_write_trailer(fs, old_file, old.crc, old_offset, &trailer, err);
    fs->close(fs, old_file);
    writer->bytes += old.segment_bytes - old_offset;
    return result;
}

/* Writes the batch in the buffer: count rows of length bytes. */
static int write_batch(struct wal_writer *writer, uint32_t flags, struct err *err)
{
    const struct fs *fs = writer->options.fs;
    uint64_t padded = wal_batch_padded(writer->length);
    size_t used = WAL_BATCH_HEADER_BYTES + writer->length;
    struct wal_batch_header header = {.batch = writer->next_batch,
                                      .first_lsn = writer->next_lsn,
                                      .durable_batch = writer->next_batch - 1,
                                      .record_count = writer->count,
                                      .length = (uint32_t)writer->length,
                                      .previous_chain = writer->chain,
                                      .flags = flags};
    uint32_t chain;

    if (writer->offset + padded > writer->segment.segment_bytes - WAL_BLOCK_BYTES && roll(writer, padded, err) != 0) {
        return -1;
    }
    header.epoch = writer->segment.epoch;
    wal_batch_header_encode(&header, writer->buffer);
    memset(writer->buffer + used, 0, (size_t)padded - used);
    chain = wal_batch_seal(writer->buffer, (size_t)padded, writer->chain, writer->segment.crc);
    if (fs->write_at(fs, writer->file, writer->buffer, (size_t)padded, writer->offset, err) != 0) {
        return -1;
    }
    writer->chain = chain;
    writer->offset += padded;
    writer->bytes += padded;
    writer->next_batch++;
    writer->next_lsn += writer->count;
    if (writer->offset - WAL_BLOCK_BYTES > writer->segment.segment_bytes / 2) {
        wal_spare_want(writer->options.spare, 1);
    }
    return 0;
}

/* An exceptional batch's memory is not kept. */
static void shrink_buffer(struct wal_writer *writer)
{
    char *smaller = writer->capacity > 16 * BUFFER_BYTES ? wal_segment_buffer(BUFFER_BYTES) : NULL;

    if (smaller) {
        free(writer->buffer);
        writer->buffer = smaller;
        writer->capacity = BUFFER_BYTES;
    }
}

void wal_writer_discard(struct wal_writer *writer)
{
    writer->length = 0;
    writer->count = 0;
    if (writer->options.sealer) {
        row_sealer_begin(writer->options.sealer);
    }
    shrink_buffer(writer);
}

int wal_writer_begin(const struct wal_writer_options *options, const struct wal_position *position,
                     struct wal_writer **ret_writer, struct err *err)
{
    struct wal_writer *writer = writer_create(options, position);

    if (!writer) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the log");
    }
    if (start_segment(writer, position->segment, position->epoch, WAL_BLOCK_BYTES, err) != 0) {
        wal_writer_close(writer);
        return -1;
    }
    *ret_writer = writer;
    return 0;
}

int wal_writer_resume(const struct wal_writer_options *options, const struct wal_position *position,
                      struct wal_writer **ret_writer, struct err *err)
{
    struct wal_writer *writer = writer_create(options, position);

    if (!writer) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the log");
    }
    writer->offset = position->offset;
    if (wal_segment_open(options->fs, options->dir, position->segment, WAL_SEGMENT_APPEND_FLAGS, &writer->file,
                         &writer->segment, err) != 0) {
        writer->file = -1;
        wal_writer_close(writer);
        return -1;
    }
    if (write_batch(writer, WAL_BATCH_MARK | WAL_BATCH_OPEN, err) != 0) {
        wal_writer_close(writer);
        return -1;
    }
    *ret_writer = writer;
    return 0;
}

static int reserve(struct wal_writer *writer, size_t size, struct err *err)
{
    size_t capacity = writer->capacity;
    char *buffer;

    if (size > WAL_BATCH_BYTES_MAX) {
        return err_set(err, ERR_EXHAUSTED, "one commit takes at most %u bytes, this would be %zu", WAL_BATCH_BYTES_MAX,
                       size);
    }
    size = (size_t)wal_round_up(WAL_BATCH_HEADER_BYTES + size);
    if (size <= capacity) {
        return 0;
    }
    while (capacity < size) {
        capacity *= 2;
    }
    buffer = wal_segment_buffer(capacity);
    if (!buffer) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a batch of %zu bytes", capacity);
    }
    memcpy(buffer, writer->buffer, WAL_BATCH_HEADER_BYTES + writer->length);
    free(writer->buffer);
    writer->buffer = buffer;
    writer->capacity = capacity;
    return 0;
}

static void add_record(struct wal_writer *writer, const struct wal_row *row, size_t size)
{
    wal_record_encode(row, writer->buffer + WAL_BATCH_HEADER_BYTES + writer->length);
    writer->length += size;
    writer->count++;
}

static int append_sealed(struct wal_writer *writer, const struct wal_row *row, const struct row_wish *wish,
                         struct err *err)
{
    struct row_sealer *sealer = writer->options.sealer;
    struct row_sealing sealing;
    size_t sizes[sizeof sealing.rows / sizeof sealing.rows[0]], size = 0;

    if (row_sealer_seal(sealer, row, wish, writer->next_lsn + writer->count, &sealing, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sealing.count; i++) {
        sizes[i] = wal_record_bytes(&sealing.rows[i]);
        size += sizes[i];
    }
    if (reserve(writer, writer->length + size, err) != 0 || row_sealer_keep(sealer, &sealing, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sealing.count; i++) {
        add_record(writer, &sealing.rows[i], sizes[i]);
    }
    return 0;
}

int wal_writer_append(struct wal_writer *writer, const struct wal_row *row, const struct row_wish *wish,
                      struct err *err)
{
    size_t size;

    if (wish) {
        return append_sealed(writer, row, wish, err);
    }
    size = wal_record_bytes(row);
    if (reserve(writer, writer->length + size, err) != 0) {
        return -1;
    }
    add_record(writer, row, size);
    return 0;
}

int wal_writer_sync(struct wal_writer *writer, struct err *err)
{
    if (write_batch(writer, 0, err) != 0) {
        return -1;
    }
    wal_writer_discard(writer);
    writer->wants_mark = true;
    return 0;
}

int wal_writer_mark(struct wal_writer *writer, bool closing, struct err *err)
{
    if (write_batch(writer, closing ? WAL_BATCH_MARK | WAL_BATCH_CLOSE : WAL_BATCH_MARK, err) != 0) {
        return -1;
    }
    writer->wants_mark = false;
    return 0;
}

bool wal_writer_wants_mark(const struct wal_writer *writer)
{
    return writer->wants_mark;
}

uint64_t wal_writer_last_lsn(const struct wal_writer *writer)
{
    return writer->next_lsn - 1;
}

uint64_t wal_writer_segment(const struct wal_writer *writer)
{
    return writer->segment.number;
}

uint64_t wal_writer_bytes(const struct wal_writer *writer)
{
    return writer->bytes;
}
