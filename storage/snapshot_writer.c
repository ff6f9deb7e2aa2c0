#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "storage/data_dir.h"
#include "storage/pace.h"
#include "storage/snapshot.h"
#include "storage/snapshot_format.h"
#include "storage/wal_segment.h"

/* Written past the page cache in pieces of this size, each in its time: the log's own writes wait for no longer than one
 * of them. */
#define CHUNK_BYTES (1024u * 1024)
/* What sealing adds to a row at most, but for its own bytes: two wrapped keys, an outline, frames. */
#define SEALED_OVERHEAD_BYTES (16u * 1024)

struct snapshot_writer {
    const struct fs *fs;
    char *dir;
    struct data_dir_path path;
    struct data_dir_path tmp;
    int file; /* -1: closed */
    bool finished;
    uint32_t seed;
    uint64_t offset;
    uint32_t index; /* of the chunk being filled */
    uint32_t chain;
    uint64_t lsn; /* of the snapshot */
    uint64_t records;
    struct row_sealer *sealer;
    char *chunk;
    size_t capacity;
    size_t length; /* of its records */
    uint32_t count;
    struct pace pace;
};

static int reserve(struct snapshot_writer *writer, size_t size, struct err *err)
{
    char *chunk;

    if (writer->capacity >= size) {
        return 0;
    }
    chunk = wal_segment_buffer(size);
    if (!chunk) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a snapshot chunk of %zu bytes", size);
    }
    if (writer->length > 0) {
        memcpy(chunk + CHUNK_HEADER_BYTES, writer->chunk + CHUNK_HEADER_BYTES, writer->length);
    }
    free(writer->chunk);
    writer->chunk = chunk;
    writer->capacity = (size_t)wal_round_up(size);
    return 0;
}

static int write_head(struct snapshot_writer *writer, const struct snapshot_head *head, struct err *err)
{
    char *block = writer->chunk;

    memset(block, 0, WAL_BLOCK_BYTES);
    memcpy(block, SNAPSHOT_MAGIC, 8);
    wal_put32(block + SNAPSHOT_AT_VERSION, SNAPSHOT_VERSION);
    memcpy(block + SNAPSHOT_AT_STORE_UUID, head->store_uuid, WAL_ID_BYTES);
    wal_put64(block + SNAPSHOT_AT_LSN, head->lsn);
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        wal_put64(block + SNAPSHOT_AT_LAST_IDS + 8 * i, head->last_ids[i]);
    }
    if (data_dir_random_id((uint8_t *)block + SNAPSHOT_AT_ID, err) != 0) {
        return -1;
    }
    writer->seed = crc32c(block, WAL_BLOCK_BYTES);
    wal_put32(block + SNAPSHOT_AT_CRC, writer->seed);
    writer->offset = WAL_BLOCK_BYTES;
    return writer->fs->write_at(writer->fs, writer->file, block, WAL_BLOCK_BYTES, 0, err);
}

static int open_file(struct snapshot_writer *writer, const struct snapshot_head *head, struct err *err)
{
    struct err ignored = ERR_INIT;

    writer->path = data_dir_snapshot(writer->dir, head->lsn);
    writer->tmp = data_dir_tmp(&writer->path);
    if (writer->fs->remove(writer->fs, writer->tmp.text, &ignored) != 0 && ignored.code != ERR_NOT_FOUND) {
        *err = ignored;
        return -1;
    }
    if (writer->fs->open(writer->fs, writer->tmp.text, FS_CREATE | FS_DIRECT, &writer->file, err) != 0) {
        writer->file = -1;
        return -1;
    }
    return write_head(writer, head, err);
}

int snapshot_writer_open(const struct fs *fs, const char *dir, const struct snapshot_head *head,
                         struct row_sealer *sealer, struct snapshot_writer **ret_writer, struct err *err)
{
    struct snapshot_writer *writer = calloc(1, sizeof *writer);

    if (!writer) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a snapshot");
    }
    writer->fs = fs;
    writer->pace.bytes_per_s = PACE_BYTES_PER_S;
    writer->sealer = sealer;
    writer->lsn = head->lsn;
    writer->file = -1;
    writer->dir = strdup(dir);
    if (!writer->dir) {
        snapshot_writer_close(writer);
        return err_set(err, ERR_EXHAUSTED, "no memory for a snapshot");
    }
    if (reserve(writer, CHUNK_BYTES, err) != 0 || open_file(writer, head, err) != 0) {
        snapshot_writer_close(writer);
        return -1;
    }
    *ret_writer = writer;
    return 0;
}

static int write_chunk(struct snapshot_writer *writer, uint32_t flags, struct err *err)
{
    char *chunk = writer->chunk;
    size_t used = CHUNK_HEADER_BYTES + writer->length;
    size_t padded = (size_t)wal_round_up(used);
    uint32_t crc;

    memset(chunk, 0, CHUNK_HEADER_BYTES);
    memcpy(chunk, CHUNK_MAGIC, 4);
    wal_put32(chunk + CHUNK_AT_INDEX, writer->index);
    wal_put32(chunk + CHUNK_AT_FLAGS, flags);
    wal_put32(chunk + CHUNK_AT_RECORD_COUNT, writer->count);
    wal_put32(chunk + CHUNK_AT_LENGTH, (uint32_t)writer->length);
    memset(chunk + used, 0, padded - used);
    crc = crc32c_extend(writer->seed, chunk, padded);
    wal_put32(chunk + CHUNK_AT_CRC, crc);
    if (writer->fs->write_at(writer->fs, writer->file, chunk, padded, writer->offset, err) != 0) {
        return -1;
    }
    pace_spend(&writer->pace, padded);
    writer->chain = crc32c_extend(writer->chain, chunk + CHUNK_AT_CRC, 4);
    writer->offset += padded;
    writer->index++;
    writer->length = 0;
    writer->count = 0;
    if (writer->sealer) {
        row_sealer_begin(writer->sealer);
    }
    return 0;
}

/* Ends the chunk if so many bytes do not fit any more. */
static int make_room(struct snapshot_writer *writer, size_t size, struct err *err)
{
    return writer->count > 0 && CHUNK_HEADER_BYTES + writer->length + size > CHUNK_BYTES ? write_chunk(writer, 0, err)
                                                                                         : 0;
}

static int add_record(struct snapshot_writer *writer, const struct wal_row *row, struct err *err)
{
    size_t size = wal_record_bytes(row);

    /* One record above the usual size has a chunk, and now the memory, of its own. */
    if (reserve(writer, CHUNK_HEADER_BYTES + writer->length + size, err) != 0) {
        return -1;
    }
    wal_record_encode(row, writer->chunk + CHUNK_HEADER_BYTES + writer->length);
    writer->length += size;
    writer->count++;
    writer->records++;
    return 0;
}

static int add_sealed(struct snapshot_writer *writer, const struct wal_row *row, const struct row_wish *wish,
                      struct err *err)
{
    struct row_sealing sealing;

    /* Before it is sealed: which keys it needs depends on the chunk. */
    if (make_room(writer, row->value.size + wish->carried.size + SEALED_OVERHEAD_BYTES, err) != 0 ||
        row_sealer_seal(writer->sealer, row, wish, writer->lsn, &sealing, err) != 0 ||
        row_sealer_keep(writer->sealer, &sealing, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < sealing.count; i++) {
        if (add_record(writer, &sealing.rows[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}

int snapshot_writer_add(struct snapshot_writer *writer, const struct wal_row *row, const struct row_wish *wish,
                        struct err *err)
{
    if (wish) {
        return add_sealed(writer, row, wish, err);
    }
    return make_room(writer, wal_record_bytes(row), err) == 0 ? add_record(writer, row, err) : -1;
}

int snapshot_writer_finish(struct snapshot_writer *writer, uint64_t end_lsn, struct err *err)
{
    char *footer = writer->chunk + CHUNK_HEADER_BYTES;

    if (writer->count > 0 && write_chunk(writer, 0, err) != 0) {
        return -1;
    }
    memset(footer, 0, FOOTER_BYTES);
    wal_put64(footer + FOOTER_AT_RECORDS, writer->records);
    wal_put64(footer + FOOTER_AT_CHUNKS, writer->index);
    wal_put64(footer + FOOTER_AT_END_LSN, end_lsn);
    wal_put32(footer + FOOTER_AT_CHAIN, writer->chain);
    writer->length = FOOTER_BYTES;
    if (write_chunk(writer, CHUNK_FLAG_FOOTER, err) != 0 || writer->fs->sync(writer->fs, writer->file, err) != 0 ||
        data_dir_publish(writer->fs, writer->dir, &writer->tmp, &writer->path, err) != 0) {
        return -1;
    }
    writer->finished = true;
    return 0;
}

void snapshot_writer_close(struct snapshot_writer *writer)
{
    struct err ignored = ERR_INIT;

    if (!writer) {
        return;
    }
    if (writer->file >= 0) {
        writer->fs->close(writer->fs, writer->file);
        if (!writer->finished) {
            (void)writer->fs->remove(writer->fs, writer->tmp.text, &ignored);
        }
    }
    free(writer->chunk);
    free(writer->dir);
    free(writer);
}
