#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "storage/data_dir.h"
#include "storage/snapshot.h"
#include "storage/snapshot_format.h"
#include "storage/wal_segment.h"
#include "storage/wal_window.h"

struct snapshot_reader {
    struct data_dir_path path;
    struct snapshot_head head;
    struct wal_window window;
    struct wal_record_decoder decoder;
    uint32_t seed;
    uint64_t offset; /* of the next chunk */
    uint32_t index;  /* of the next chunk */
    uint32_t chain;
    uint64_t records;
    uint64_t end_lsn;
    bool ended;
    const char *chunk; /* in the window; NULL: none */
    uint64_t chunk_offset;
    size_t at; /* of the next record, from the chunk's start */
    size_t end;
    uint32_t left; /* records */
};

static int complain(const struct snapshot_reader *reader, uint64_t offset, struct err *err)
{
    return err_wrap(err, "%s, offset %" PRIu64, reader->path.text, offset);
}

/* Checks bytes whose own check field, 4 bytes at crc_at, counts as zero. */
static bool crc_holds(uint32_t seed, const char *bytes, size_t size, size_t crc_at)
{
    static const char zero[4];
    uint32_t crc = crc32c_extend(seed, bytes, crc_at);

    crc = crc32c_extend(crc, zero, sizeof zero);
    crc = crc32c_extend(crc, bytes + crc_at + sizeof zero, size - crc_at - sizeof zero);
    return crc == wal_get32(bytes + crc_at);
}

/* store_uuid NULL: of whichever store and lsn. */
static int check_head(struct snapshot_reader *reader, const char *block, const uint8_t *store_uuid, uint64_t lsn,
                      struct err *err)
{
    if (memcmp(block, SNAPSHOT_MAGIC, 8) != 0 || !crc_holds(0, block, WAL_BLOCK_BYTES, SNAPSHOT_AT_CRC)) {
        return err_set(err, ERR_CORRUPT, "the header block is damaged");
    }
    if (wal_get32(block + SNAPSHOT_AT_VERSION) != SNAPSHOT_VERSION || wal_get32(block + SNAPSHOT_AT_INCOMPAT) != 0 ||
        wal_get32(block + SNAPSHOT_AT_RO_COMPAT) != 0) {
        return err_set(err, ERR_UNSUPPORTED, "written in snapshot format %u, by a newer program",
                       wal_get32(block + SNAPSHOT_AT_VERSION));
    }
    if (store_uuid && memcmp(block + SNAPSHOT_AT_STORE_UUID, store_uuid, WAL_ID_BYTES) != 0) {
        return err_set(err, ERR_CORRUPT, "it belongs to another store");
    }
    reader->head.lsn = wal_get64(block + SNAPSHOT_AT_LSN);
    if (store_uuid && reader->head.lsn != lsn) {
        return err_set(err, ERR_CORRUPT, "the file says that it is of lsn %" PRIu64, reader->head.lsn);
    }
    memcpy(reader->head.store_uuid, block + SNAPSHOT_AT_STORE_UUID, WAL_ID_BYTES);
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        reader->head.last_ids[i] = wal_get64(block + SNAPSHOT_AT_LAST_IDS + 8 * i);
    }
    reader->seed = wal_get32(block + SNAPSHOT_AT_CRC);
    reader->offset = WAL_BLOCK_BYTES;
    return 0;
}

static int open_file(struct snapshot_reader *reader, const uint8_t *store_uuid, uint64_t lsn, struct err *err)
{
    const struct fs *fs = reader->window.fs;
    const char *block;

    if (fs->open(fs, reader->path.text, WAL_SEGMENT_READ_FLAGS, &reader->window.file, err) != 0) {
        reader->window.file = -1;
        return -1;
    }
    if (fs->size(fs, reader->window.file, &reader->window.file_bytes, err) != 0 ||
        wal_window_load(&reader->window, 0, WAL_BLOCK_BYTES, &block, err) != 0 ||
        check_head(reader, block, store_uuid, lsn, err) != 0) {
        return complain(reader, 0, err);
    }
    return 0;
}

static int open_reader(const struct fs *fs, const struct data_dir_path *path, const uint8_t *store_uuid, uint64_t lsn,
                       struct snapshot_reader **ret_reader, struct err *err)
{
    struct snapshot_reader *reader = calloc(1, sizeof *reader);

    if (!reader) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a snapshot");
    }
    reader->path = *path;
    reader->window.fs = fs;
    reader->window.file = -1;
    if (open_file(reader, store_uuid, lsn, err) != 0) {
        snapshot_reader_close(reader);
        return -1;
    }
    *ret_reader = reader;
    return 0;
}

int snapshot_reader_open(const struct fs *fs, const char *dir, const uint8_t *store_uuid, uint64_t lsn,
                         struct snapshot_reader **ret_reader, struct err *err)
{
    struct data_dir_path path = data_dir_snapshot(dir, lsn);

    return open_reader(fs, &path, store_uuid, lsn, ret_reader, err);
}

int snapshot_reader_open_file(const struct fs *fs, const char *path, struct snapshot_reader **ret_reader,
                              struct err *err)
{
    struct data_dir_path copy;

    if (strlen(path) >= sizeof copy.text) {
        return err_set(err, ERR_INVALID, "a path has less than %zu bytes", sizeof copy.text);
    }
    memcpy(copy.text, path, strlen(path) + 1);
    return open_reader(fs, &copy, NULL, 0, ret_reader, err);
}

void snapshot_reader_close(struct snapshot_reader *reader)
{
    if (!reader) {
        return;
    }
    wal_window_deinit(&reader->window);
    if (reader->window.file >= 0) {
        reader->window.fs->close(reader->window.fs, reader->window.file);
    }
    wal_record_decoder_deinit(&reader->decoder);
    free(reader);
}

const struct snapshot_head *snapshot_reader_head(const struct snapshot_reader *reader)
{
    return &reader->head;
}

int snapshot_reader_visit(struct snapshot_reader *reader, snapshot_row_fn visit, void *context, uint64_t *ret_rows,
                          struct err *err)
{
    uint64_t rows = 0;
    struct wal_row row;
    bool end = false;

    while (snapshot_reader_next(reader, &row, &end, err) == 0) {
        if (end) {
            *ret_rows = rows;
            return 0;
        }
        rows++;
        if (visit) {
            visit(context, &row);
        }
    }
    return -1;
}

uint64_t snapshot_reader_end_lsn(const struct snapshot_reader *reader)
{
    return reader->end_lsn;
}

uint64_t snapshot_reader_bytes(const struct snapshot_reader *reader)
{
    return reader->window.file_bytes;
}

static int check_footer(struct snapshot_reader *reader, size_t length, struct err *err)
{
    const char *footer = reader->chunk + CHUNK_HEADER_BYTES;

    if (length != FOOTER_BYTES || wal_get64(footer + FOOTER_AT_RECORDS) != reader->records ||
        wal_get64(footer + FOOTER_AT_CHUNKS) != reader->index || wal_get32(footer + FOOTER_AT_CHAIN) != reader->chain ||
        reader->offset != reader->window.file_bytes) {
        return err_set(err, ERR_CORRUPT, "the footer does not agree with what stands before it");
    }
    reader->end_lsn = wal_get64(footer + FOOTER_AT_END_LSN);
    reader->ended = true;
    return 0;
}

static int load_chunk(struct snapshot_reader *reader, struct err *err)
{
    const char *chunk;
    uint32_t length;
    size_t padded;

    if (wal_window_load(&reader->window, reader->offset, WAL_BLOCK_BYTES, &chunk, err) != 0) {
        return -1;
    }
    length = wal_get32(chunk + CHUNK_AT_LENGTH);
    padded = (size_t)wal_round_up(CHUNK_HEADER_BYTES + (uint64_t)length);
    if (memcmp(chunk, CHUNK_MAGIC, 4) != 0 || padded > reader->window.file_bytes - reader->offset) {
        return err_set(err, ERR_CORRUPT, "the chunk's header is damaged");
    }
    if (wal_window_load(&reader->window, reader->offset, padded, &chunk, err) != 0) {
        return -1;
    }
    if (!crc_holds(reader->seed, chunk, padded, CHUNK_AT_CRC) || wal_get32(chunk + CHUNK_AT_INDEX) != reader->index) {
        return err_set(err, ERR_CORRUPT, "the chunk is damaged");
    }
    reader->chunk = chunk;
    reader->chunk_offset = reader->offset;
    reader->offset += padded;
    reader->at = CHUNK_HEADER_BYTES;
    reader->end = CHUNK_HEADER_BYTES + (size_t)length;
    reader->left = wal_get32(chunk + CHUNK_AT_RECORD_COUNT);
    if (wal_get32(chunk + CHUNK_AT_FLAGS) & CHUNK_FLAG_FOOTER) {
        return check_footer(reader, length, err);
    }
    reader->index++;
    reader->chain = crc32c_extend(reader->chain, chunk + CHUNK_AT_CRC, 4);
    return 0;
}

/* On to a chunk with a row that was not given out. */
static int need_row(struct snapshot_reader *reader, struct err *err)
{
    while (!reader->ended && reader->left == 0) {
        uint64_t offset = reader->offset;

        if (load_chunk(reader, err) != 0) {
            return complain(reader, offset, err);
        }
    }
    return 0;
}

int snapshot_reader_next(struct snapshot_reader *reader, struct wal_row *ret_row, bool *ret_end, struct err *err)
{
    size_t size;

    if (need_row(reader, err) != 0) {
        return -1;
    }
    if (reader->ended) {
        *ret_end = true;
        return 0;
    }
    if (wal_record_decode(&reader->decoder, span_make(reader->chunk + reader->at, reader->end - reader->at), ret_row,
                          &size, err) != 0) {
        return complain(reader, reader->chunk_offset + reader->at, err);
    }
    reader->at += size;
    reader->left--;
    reader->records++;
    *ret_end = false;
    return 0;
}

int snapshot_reader_next_chunk(struct snapshot_reader *reader, struct snapshot_chunk *ret_chunk, bool *ret_end,
                               struct err *err)
{
    if (need_row(reader, err) != 0) {
        return -1;
    }
    *ret_end = reader->ended;
    if (reader->ended) {
        return 0;
    }
    ret_chunk->records = span_make(reader->chunk + reader->at, reader->end - reader->at);
    ret_chunk->record_count = reader->left;
    ret_chunk->offset = reader->chunk_offset + reader->at;
    reader->records += reader->left;
    reader->left = 0;
    return 0;
}

struct read_buffer *snapshot_reader_buffer(const struct snapshot_reader *reader)
{
    return wal_window_buffer(&reader->window);
}
