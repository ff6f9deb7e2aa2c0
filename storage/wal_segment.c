#include "storage/wal_segment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ZERO_BYTES (1024 * 1024)

/* Not const: it takes no room in the program's file. */
static char zeros[ZERO_BYTES] __attribute__((aligned(WAL_BLOCK_BYTES)));

void *wal_segment_buffer(size_t size)
{
    return aligned_alloc(WAL_BLOCK_BYTES, (size_t)wal_round_up(size));
}

static int fill_with_zeros(const struct fs *fs, int file, uint64_t bytes, struct err *err)
{
    for (uint64_t at = 0; at < bytes;) {
        size_t size = bytes - at < ZERO_BYTES ? (size_t)(bytes - at) : ZERO_BYTES;

        if (fs->write_at(fs, file, zeros, size, at, err) != 0) {
            return -1;
        }
        at += size;
    }
    return fs->sync(fs, file, err);
}

int wal_segment_make_blank(const struct fs *fs, const struct data_dir_path *path, uint64_t bytes, struct err *err)
{
    struct err ignored = ERR_INIT;
    int file;
    int result;

    if (fs->remove(fs, path->text, &ignored) != 0 && ignored.code != ERR_NOT_FOUND) {
        *err = ignored;
        return -1;
    }
    if (fs->open(fs, path->text, FS_CREATE | FS_DIRECT, &file, err) != 0) {
        return -1;
    }
    result = fill_with_zeros(fs, file, bytes, err);
    fs->close(fs, file);
    if (result != 0) {
        /* Half a file is of no use, and on a full disk its blocks are. */
        (void)fs->remove(fs, path->text, &ignored);
    }
    return result;
}

static int write_header(const struct fs *fs, int file, struct wal_segment_header *header, struct err *err)
{
    void *block = wal_segment_buffer(WAL_BLOCK_BYTES);
    int result;

    if (!block) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a segment header");
    }
    wal_segment_header_encode(header, block);
    result = fs->write_at(fs, file, block, WAL_BLOCK_BYTES, 0, err);
    free(block);
    return result;
}

int wal_segment_create(const struct fs *fs, const char *dir, const struct data_dir_path *spare,
                       struct wal_segment_header *header, int *ret_file, struct err *err)
{
    struct data_dir_path path = data_dir_segment(dir, header->number);
    struct data_dir_path from = spare ? *spare : data_dir_tmp(&path);
    int file;

    if (data_dir_random_id(header->segment_id, err) != 0) {
        return -1;
    }
    if (!spare && wal_segment_make_blank(fs, &from, header->segment_bytes, err) != 0) {
        return -1;
    }
    if (fs->open(fs, from.text, WAL_SEGMENT_APPEND_FLAGS, &file, err) != 0) {
        return -1;
    }
    if (write_header(fs, file, header, err) != 0 || data_dir_publish(fs, dir, &from, &path, err) != 0) {
        fs->close(fs, file);
        return -1;
    }
    *ret_file = file;
    return 0;
}

static int read_header(const struct fs *fs, int file, struct wal_segment_header *ret_header, struct err *err)
{
    char *block = wal_segment_buffer(WAL_BLOCK_BYTES);
    size_t size = 0;
    int result;

    if (!block) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a segment header");
    }
    result = fs->read_at(fs, file, block, WAL_BLOCK_BYTES, 0, &size, err);
    if (result == 0 && size < WAL_BLOCK_BYTES) {
        result = err_set(err, ERR_CORRUPT, "the file has %zu bytes, less than a header block", size);
    } else if (result == 0) {
        result = wal_segment_header_decode(block, ret_header, err);
    }
    free(block);
    return result;
}

static int check_header(const struct fs *fs, int file, uint64_t number, const struct wal_segment_header *header,
                        struct err *err)
{
    uint64_t size;

    if (header->number != number) {
        return err_set(err, ERR_CORRUPT, "the file says that it is segment %" PRIu64, header->number);
    }
    if (fs->size(fs, file, &size, err) != 0) {
        return -1;
    }
    if (size != header->segment_bytes) {
        return err_set(err, ERR_CORRUPT, "the file has %" PRIu64 " bytes, its header tells %" PRIu64, size,
                       header->segment_bytes);
    }
    return 0;
}

int wal_segment_open(const struct fs *fs, const char *dir, uint64_t number, unsigned flags, int *ret_file,
                     struct wal_segment_header *ret_header, struct err *err)
{
    struct data_dir_path path = data_dir_segment(dir, number);
    struct wal_segment_header header;
    int file;

    if (fs->open(fs, path.text, flags, &file, err) != 0) {
        return -1;
    }
    if (read_header(fs, file, &header, err) != 0 || check_header(fs, file, number, &header, err) != 0) {
        fs->close(fs, file);
        return err_wrap(err, "%s, offset 0", path.text);
    }
    *ret_file = file;
    *ret_header = header;
    return 0;
}

int wal_segment_write_trailer(const struct fs *fs, int file, uint32_t segment_crc, uint64_t offset,
                              const struct wal_trailer *trailer, struct err *err)
{
    void *block = wal_segment_buffer(WAL_BLOCK_BYTES);
    int result;

    if (!block) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a segment trailer");
    }
    wal_trailer_encode(trailer, segment_crc, block);
    result = fs->write_at(fs, file, block, WAL_BLOCK_BYTES, offset, err);
    free(block);
    return result;
}
