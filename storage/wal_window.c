#include "storage/wal_window.h"

#include <inttypes.h>
#include <string.h>

#include "storage/wal_format.h"

static bool is_loaded(const struct wal_window *window, uint64_t offset, size_t size)
{
    const struct read_part *part = &window->part;

    return part->size > 0 && offset >= part->offset && offset + size <= part->offset + part->size;
}

static void set_part(struct wal_window *window, const struct read_part *part)
{
    read_buffer_unhold(window->part.buffer);
    window->part = *part;
}

/* True when the part that is being read goes on where the window ends, and the rest from offset on fits before it. */
static bool can_slide(const struct wal_window *window, uint64_t offset)
{
    const struct read_part *part = &window->part;
    uint64_t end = part->offset + part->size;

    return part->size > 0 && offset >= part->offset && offset <= end && end - offset <= READ_HEADROOM_BYTES &&
           read_ahead_is_at(window->ahead, end);
}

/* Moves to the next part, with what is left of this one from offset on before it. */
static int slide(struct wal_window *window, uint64_t offset, struct err *err)
{
    size_t rest = (size_t)(window->part.offset + window->part.size - offset);
    struct read_part next;

    if (read_ahead_next(window->ahead, &next, err) != 0) {
        return -1;
    }
    memcpy(next.bytes - rest, window->part.bytes + window->part.size - rest, rest);
    next.bytes -= rest;
    next.offset -= rest;
    next.size += rest;
    set_part(window, &next);
    return 0;
}

static int jump(struct wal_window *window, uint64_t offset, size_t size, struct err *err)
{
    uint64_t left = window->file_bytes - offset;
    size_t wanted = size > READ_PART_BYTES ? size : READ_PART_BYTES;
    struct read_part part;

    /* Past the end of a file cut at an odd place a direct read still asks for whole blocks, and gets what there is. */
    wanted = (size_t)wal_round_up(left < wanted ? left : wanted);
    if (read_ahead_now(window->ahead, window->file, offset, wanted, &part, err) != 0) {
        return -1;
    }
    set_part(window, &part);
    read_ahead_start(window->ahead, window->file, window->file_bytes, offset + wanted);
    return 0;
}

int wal_window_load(struct wal_window *window, uint64_t offset, size_t size, const char **ret_bytes, struct err *err)
{
    if (offset > window->file_bytes || window->file_bytes - offset < size) {
        return err_set(err, ERR_CORRUPT, "the file ends at %" PRIu64, window->file_bytes);
    }
    if (!window->ahead) {
        window->ahead = read_ahead_create(window->fs);
        if (!window->ahead) {
            return err_set(err, ERR_EXHAUSTED, "no memory to read a file");
        }
    }
    if (!is_loaded(window, offset, size) && can_slide(window, offset) && slide(window, offset, err) != 0) {
        return -1;
    }
    if (!is_loaded(window, offset, size) && jump(window, offset, size, err) != 0) {
        return -1;
    }
    if (!is_loaded(window, offset, size)) {
        return err_set(err, ERR_CORRUPT, "the file ends at %" PRIu64, window->part.offset + window->part.size);
    }
    *ret_bytes = window->part.bytes + (offset - window->part.offset);
    return 0;
}

struct read_buffer *wal_window_buffer(const struct wal_window *window)
{
    return window->part.buffer;
}

void wal_window_reset(struct wal_window *window)
{
    const struct read_part none = {.buffer = NULL};

    if (window->ahead) {
        read_ahead_stop(window->ahead);
    }
    set_part(window, &none);
}

void wal_window_deinit(struct wal_window *window)
{
    wal_window_reset(window);
    read_ahead_destroy(window->ahead);
    window->ahead = NULL;
}
