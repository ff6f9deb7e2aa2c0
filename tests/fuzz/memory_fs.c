#include "memory_fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct memory_fs *self_of(const struct fs *fs)
{
    return fs->self;
}

static int memory_open(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err)
{
    struct memory_fs *memory = self_of(fs);

    (void)flags;
    for (size_t i = 0; i < memory->count; i++) {
        if (strcmp(memory->files[i].name, path) == 0) {
            *ret_file = (int)i;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "there is no %s", path);
}

static void memory_close(const struct fs *fs, int file)
{
    (void)fs;
    (void)file;
}

static int memory_read_at(const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                          struct err *err)
{
    const struct memory_file *from = &self_of(fs)->files[file];
    size_t left = offset < from->size ? from->size - (size_t)offset : 0;

    (void)err;
    *ret_size = size < left ? size : left;
    if (*ret_size > 0) {
        memcpy(data, from->bytes + offset, *ret_size);
    }
    return 0;
}

static int memory_size(const struct fs *fs, int file, uint64_t *ret_size, struct err *err)
{
    (void)err;
    *ret_size = self_of(fs)->files[file].size;
    return 0;
}

static int memory_list(const struct fs *fs, const char *path, fs_list_fn visit, void *context, struct err *err)
{
    struct memory_fs *memory = self_of(fs);

    (void)err;
    for (size_t i = 0; i < memory->count; i++) {
        visit(context, memory->files[i].name + strlen(path) + 1);
    }
    return 0;
}

void memory_fs_init(struct memory_fs *memory)
{
    memset(memory, 0, sizeof *memory);
    memory->fs.self = memory;
    memory->fs.open = memory_open;
    memory->fs.close = memory_close;
    memory->fs.read_at = memory_read_at;
    memory->fs.size = memory_size;
    memory->fs.list = memory_list;
}

struct memory_file *memory_fs_add(struct memory_fs *memory, const char *name, size_t size)
{
    struct memory_file *file = &memory->files[memory->count];

    file->bytes = calloc(1, size > 0 ? size : 1);
    if (memory->count == MEMORY_FILES || !file->bytes) {
        abort();
    }
    snprintf(file->name, sizeof file->name, "%s", name);
    file->size = size;
    memory->count++;
    return file;
}

void memory_fs_deinit(struct memory_fs *memory)
{
    for (size_t i = 0; i < memory->count; i++) {
        free(memory->files[i].bytes);
    }
    memory->count = 0;
}
