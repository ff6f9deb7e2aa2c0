#include "storage/wal_window.h"

#include <inttypes.h>
#include <stdlib.h>

#include "storage/wal_segment.h"

#define WINDOW_BYTES (1024u * 1024)

static int reserve(struct wal_window *window, size_t size, struct err *err)
{
    char *buffer;

    if (window->capacity >= size) {
        return 0;
    }
    buffer = wal_segment_buffer(size);
    if (!buffer) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read %zu bytes", size);
    }
    free(window->buffer);
    window->buffer = buffer;
    window->capacity = size;
    window->size = 0;
    return 0;
}

int wal_window_load(struct wal_window *window, uint64_t offset, size_t size, const char **ret_bytes, struct err *err)
{
    uint64_t left = window->file_bytes - offset;
    size_t wanted = size > WINDOW_BYTES ? size : WINDOW_BYTES;
    size_t got = 0;

    if (offset > window->file_bytes || left < size) {
        return err_set(err, ERR_CORRUPT, "the file ends at %" PRIu64, window->file_bytes);
    }
    if (window->size > 0 && offset >= window->offset && offset + size <= window->offset + window->size) {
        *ret_bytes = window->buffer + (offset - window->offset);
        return 0;
    }
    /* Past the end of a file cut at an odd place a direct read still asks for whole blocks, and gets what there is. */
    wanted = (size_t)wal_round_up(left < wanted ? left : wanted);
    if (reserve(window, wanted, err) != 0) {
        return -1;
    }
    window->size = 0;
    if (window->fs->read_at(window->fs, window->file, window->buffer, wanted, offset, &got, err) != 0) {
        return -1;
    }
    if (got < size) {
        return err_set(err, ERR_CORRUPT, "the file ends at %" PRIu64, offset + got);
    }
    window->offset = offset;
    window->size = got;
    *ret_bytes = window->buffer;
    return 0;
}

void wal_window_reset(struct wal_window *window)
{
    window->size = 0;
}

void wal_window_deinit(struct wal_window *window)
{
    free(window->buffer);
    window->buffer = NULL;
    window->capacity = 0;
    window->size = 0;
}
