#include "storage/file_out.h"

#include <stdlib.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/wal_segment.h"

#define PIECE_BYTES (1024u * 1024)

int file_out_open(const struct fs *fs, const char *path, struct copy_watch *watch, struct file_out *ret_out,
                  struct err *err)
{
    struct file_out out = {.fs = fs, .watch = watch, .file = -1, .buffer = wal_segment_buffer(PIECE_BYTES)};

    if (!out.buffer) {
        return err_set(err, ERR_EXHAUSTED, "no memory to write %s", path);
    }
    if (fs->open(fs, path, FS_CREATE | FS_DIRECT, &out.file, err) != 0) {
        free(out.buffer);
        return -1;
    }
    *ret_out = out;
    return 0;
}

static int flush(struct file_out *out, struct err *err)
{
    struct copy_watch *watch = out->watch;

    if (out->used == 0) {
        return 0;
    }
    if (out->fs->write_at(out->fs, out->file, out->buffer, out->used, out->offset, err) != 0) {
        return -1;
    }
    watch->done_bytes += out->used;
    if (watch->progress) {
        watch->progress(watch->context, watch->done_bytes, watch->total_bytes);
    }
    pace_spend(&watch->pace, out->used);
    out->offset += out->used;
    out->used = 0;
    return 0;
}

int file_out_append(struct file_out *out, const void *bytes, size_t size, struct err *err)
{
    const char *rest = bytes;

    while (size > 0) {
        size_t room = PIECE_BYTES - out->used;
        size_t part = size < room ? size : room;

        memcpy(out->buffer + out->used, rest, part);
        out->used += part;
        rest += part;
        size -= part;
        if (out->used == PIECE_BYTES && flush(out, err) != 0) {
            return -1;
        }
    }
    return 0;
}

int file_out_finish(struct file_out *out, uint64_t bytes, struct err *err)
{
    if (flush(out, err) != 0) {
        return -1;
    }
    if (bytes > out->offset && out->fs->truncate(out->fs, out->file, bytes, err) != 0) {
        return -1;
    }
    return out->fs->sync(out->fs, out->file, err);
}

void file_out_drop(struct file_out *out)
{
    if (out->file >= 0) {
        out->fs->close(out->fs, out->file);
    }
    free(out->buffer);
    *out = (struct file_out){.file = -1};
}

static int write_and_sync(const struct fs *fs, const char *path, const char *text, struct err *err)
{
    int file;
    int result;

    if (fs->open(fs, path, FS_CREATE, &file, err) != 0) {
        return -1;
    }
    result = fs->write_at(fs, file, text, strlen(text), 0, err);
    if (result == 0) {
        result = fs->sync(fs, file, err);
    }
    fs->close(fs, file);
    return result;
}

int file_out_text(const struct fs *fs, const char *dir, const char *name, const char *text, struct err *err)
{
    struct data_dir_path path = data_dir_file(dir, name);
    struct data_dir_path tmp = data_dir_tmp(&path);
    struct err ignored = ERR_INIT;

    if (fs->remove(fs, tmp.text, &ignored) != 0 && ignored.code != ERR_NOT_FOUND) {
        *err = ignored;
        return -1;
    }
    if (write_and_sync(fs, tmp.text, text, err) != 0) {
        return -1;
    }
    return data_dir_publish(fs, dir, &tmp, &path, err);
}
