#include "tests/lib/fault_fs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 1024

enum verdict { PASS, REFUSE, TEAR };

struct fault_fs {
    struct fs fs;
    const struct fs *inner;
    pthread_mutex_t mutex;
    enum fault_mode mode; /* below: under mutex */
    uint64_t left;        /* calls that still pass */
    uint64_t calls;
    uint64_t syncs;
    uint64_t torn_bytes;
    enum err_code code;
    const char *path_part; /* NULL: every call may be refused */
    bool data_sync[FILES_MAX];
};

static struct fault_fs *self_of(const struct fs *fs)
{
    return fs->self;
}

static const struct fs *inner_of(const struct fs *fs)
{
    return self_of(fs)->inner;
}

static enum verdict judge_locked(struct fault_fs *fault)
{
    enum fault_mode mode = fault->mode;

    if (mode == FAULT_NONE) {
        return PASS;
    }
    if (fault->left > 0) {
        fault->left--;
        return PASS;
    }
    fault->mode = mode == FAULT_ONCE ? FAULT_NONE : FAULT_STOP;
    return mode == FAULT_TEAR ? TEAR : REFUSE;
}

/* path: NULL for a call on an open file. */
static enum verdict count(const struct fs *fs, const char *path)
{
    struct fault_fs *fault = self_of(fs);
    enum verdict verdict = PASS;

    pthread_mutex_lock(&fault->mutex);
    fault->calls++;
    if (!fault->path_part || (path && strstr(path, fault->path_part))) {
        verdict = judge_locked(fault);
    }
    pthread_mutex_unlock(&fault->mutex);
    return verdict;
}

static int refuse(const struct fs *fs, struct err *err)
{
    return err_set(err, self_of(fs)->code, "the disk failed, as the test wants it");
}

static int fault_open(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err)
{
    int file;

    if ((flags & FS_CREATE) && count(fs, path) != PASS) {
        return refuse(fs, err);
    }
    if (inner_of(fs)->open(inner_of(fs), path, flags, &file, err) != 0) {
        return -1;
    }
    pthread_mutex_lock(&self_of(fs)->mutex);
    if (file < FILES_MAX) {
        self_of(fs)->data_sync[file] = (flags & FS_DATA_SYNC) != 0;
    }
    pthread_mutex_unlock(&self_of(fs)->mutex);
    *ret_file = file;
    return 0;
}

static void fault_close(const struct fs *fs, int file)
{
    inner_of(fs)->close(inner_of(fs), file);
}

static void count_sync(const struct fs *fs, int file)
{
    struct fault_fs *fault = self_of(fs);

    pthread_mutex_lock(&fault->mutex);
    fault->syncs += file < 0 || (file < FILES_MAX && fault->data_sync[file]) ? 1 : 0;
    pthread_mutex_unlock(&fault->mutex);
}

/* Through the inner fs in whole blocks where it must be; the torn rest of a block keeps what stood there. */
static void tear(const struct fs *fs, int file, const void *data, size_t size, uint64_t offset)
{
    const struct fs *inner = inner_of(fs);
    uint64_t kept = self_of(fs)->torn_bytes < size ? self_of(fs)->torn_bytes : size;
    uint64_t whole = kept / FS_BLOCK_BYTES * FS_BLOCK_BYTES;
    struct err ignored = ERR_INIT;
    char *block = aligned_alloc(FS_BLOCK_BYTES, FS_BLOCK_BYTES);
    size_t got = 0;

    if (!block) {
        abort();
    }
    if (whole > 0) {
        (void)inner->write_at(inner, file, data, (size_t)whole, offset, &ignored);
    }
    if (kept > whole && inner->read_at(inner, file, block, FS_BLOCK_BYTES, offset + whole, &got, &ignored) == 0 &&
        got == FS_BLOCK_BYTES) {
        memcpy(block, (const char *)data + whole, (size_t)(kept - whole));
        (void)inner->write_at(inner, file, block, FS_BLOCK_BYTES, offset + whole, &ignored);
    }
    free(block);
}

static int fault_write_at(const struct fs *fs, int file, const void *data, size_t size, uint64_t offset,
                          struct err *err)
{
    enum verdict verdict = count(fs, NULL);

    if (verdict == TEAR) {
        tear(fs, file, data, size, offset);
    }
    if (verdict != PASS) {
        return refuse(fs, err);
    }
    count_sync(fs, file);
    return inner_of(fs)->write_at(inner_of(fs), file, data, size, offset, err);
}

static int fault_read_at(const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                         struct err *err)
{
    return inner_of(fs)->read_at(inner_of(fs), file, data, size, offset, ret_size, err);
}

static int fault_size(const struct fs *fs, int file, uint64_t *ret_size, struct err *err)
{
    return inner_of(fs)->size(inner_of(fs), file, ret_size, err);
}

static int fault_truncate(const struct fs *fs, int file, uint64_t size, struct err *err)
{
    return count(fs, NULL) == PASS ? inner_of(fs)->truncate(inner_of(fs), file, size, err) : refuse(fs, err);
}

static int fault_sync(const struct fs *fs, int file, struct err *err)
{
    if (count(fs, NULL) != PASS) {
        return refuse(fs, err);
    }
    count_sync(fs, -1);
    return inner_of(fs)->sync(inner_of(fs), file, err);
}

static int fault_sync_dir(const struct fs *fs, const char *path, struct err *err)
{
    return count(fs, path) == PASS ? inner_of(fs)->sync_dir(inner_of(fs), path, err) : refuse(fs, err);
}

static int fault_rename(const struct fs *fs, const char *from, const char *to, struct err *err)
{
    return count(fs, to) == PASS ? inner_of(fs)->rename(inner_of(fs), from, to, err) : refuse(fs, err);
}

static int fault_remove(const struct fs *fs, const char *path, struct err *err)
{
    return count(fs, path) == PASS ? inner_of(fs)->remove(inner_of(fs), path, err) : refuse(fs, err);
}

static int fault_make_dir(const struct fs *fs, const char *path, struct err *err)
{
    return count(fs, path) == PASS ? inner_of(fs)->make_dir(inner_of(fs), path, err) : refuse(fs, err);
}

static int fault_list(const struct fs *fs, const char *path, fs_list_fn visit, void *context, struct err *err)
{
    return inner_of(fs)->list(inner_of(fs), path, visit, context, err);
}

static int fault_lock(const struct fs *fs, const char *path, int *ret_file, struct err *err)
{
    return count(fs, path) == PASS ? inner_of(fs)->lock(inner_of(fs), path, ret_file, err) : refuse(fs, err);
}

static int fault_free_bytes(const struct fs *fs, const char *path, uint64_t *ret_bytes, struct err *err)
{
    return inner_of(fs)->free_bytes(inner_of(fs), path, ret_bytes, err);
}

struct fault_fs *fault_fs_create(const struct fs *inner)
{
    struct fault_fs *fault = calloc(1, sizeof *fault);
    struct fs fs = {
        .self = fault,
        .open = fault_open,
        .close = fault_close,
        .write_at = fault_write_at,
        .read_at = fault_read_at,
        .size = fault_size,
        .truncate = fault_truncate,
        .sync = fault_sync,
        .sync_dir = fault_sync_dir,
        .rename = fault_rename,
        .remove = fault_remove,
        .make_dir = fault_make_dir,
        .list = fault_list,
        .lock = fault_lock,
        .free_bytes = fault_free_bytes,
    };

    if (fault) {
        fault->fs = fs;
        fault->inner = inner;
        fault->code = ERR_IO;
        pthread_mutex_init(&fault->mutex, NULL);
    }
    return fault;
}

void fault_fs_destroy(struct fault_fs *fault)
{
    if (fault) {
        pthread_mutex_destroy(&fault->mutex);
        free(fault);
    }
}

const struct fs *fault_fs_fs(const struct fault_fs *fault)
{
    return &fault->fs;
}

void fault_fs_arm(struct fault_fs *fault, enum fault_mode mode, uint64_t calls)
{
    pthread_mutex_lock(&fault->mutex);
    fault->mode = mode;
    fault->left = calls;
    pthread_mutex_unlock(&fault->mutex);
}

void fault_fs_set_code(struct fault_fs *fault, enum err_code code)
{
    fault->code = code;
}

void fault_fs_set_path_part(struct fault_fs *fault, const char *part)
{
    pthread_mutex_lock(&fault->mutex);
    fault->path_part = part;
    pthread_mutex_unlock(&fault->mutex);
}

void fault_fs_set_torn_bytes(struct fault_fs *fault, uint64_t bytes)
{
    fault->torn_bytes = bytes;
}

static uint64_t read_counter(const struct fault_fs *fault, const uint64_t *counter)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)(uintptr_t)&fault->mutex;
    uint64_t value;

    pthread_mutex_lock(mutex);
    value = *counter;
    pthread_mutex_unlock(mutex);
    return value;
}

uint64_t fault_fs_calls(const struct fault_fs *fault)
{
    return read_counter(fault, &fault->calls);
}

uint64_t fault_fs_syncs(const struct fault_fs *fault)
{
    return read_counter(fault, &fault->syncs);
}
