/* fs: the file system behind a vtable, so that storage runs on a simulated disk in tests.
 *
 * Used by   storage/. fs_system() is the real one.
 * Shape     handles are small integers of the fs (the real one's are file descriptors). Paths are relative to
 *           the working directory or absolute, NUL terminated.
 * Thread    as the real calls: any; one file's writes by one thread.      Blocks    on the disk.
 * Errors    every function returns -1 with errno's meaning in *err: ERR_IO, or where named ERR_NOT_FOUND,
 *           ERR_EXISTS, ERR_IN_USE, ERR_EXHAUSTED (ENOSPC, EDQUOT). Short writes are errors; EINTR is retried within.
 */
#ifndef BASE_FS_H_
#define BASE_FS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

enum fs_open_flags {
    FS_READ = 1,      /* else read and write */
    FS_CREATE = 2,    /* create; ERR_EXISTS when there */
    FS_DIRECT = 4,    /* O_DIRECT where the file system has it: offsets, sizes and memory in FS_BLOCK_BYTES */
    FS_DATA_SYNC = 8, /* O_DSYNC: a write returns when it is durable */
};

#define FS_BLOCK_BYTES 4096

typedef void (*fs_list_fn)(void *context, const char *name);

struct fs {
    void *self;
    int (*open)(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err);
    void (*close)(const struct fs *fs, int file);
    /* Writes all or fails. */
    int (*write_at)(const struct fs *fs, int file, const void *data, size_t size, uint64_t offset, struct err *err);
    /* Reads up to size bytes; *ret_size is less only at the end of the file. */
    int (*read_at)(const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                   struct err *err);
    int (*size)(const struct fs *fs, int file, uint64_t *ret_size, struct err *err);
    int (*truncate)(const struct fs *fs, int file, uint64_t size, struct err *err);
    /* fdatasync. A failure means that what was written since the last success cannot be trusted. */
    int (*sync)(const struct fs *fs, int file, struct err *err);
    /* Makes the names in it durable, not its own. ERR_DENIED: it may not be read by this user. */
    int (*sync_dir)(const struct fs *fs, const char *path, struct err *err);
    int (*rename)(const struct fs *fs, const char *from, const char *to, struct err *err);
    int (*remove)(const struct fs *fs, const char *path, struct err *err);
    /* Makes a directory with mode 0700; one that is there is fine. */
    int (*make_dir)(const struct fs *fs, const char *path, struct err *err);
    /* Calls back once per entry but "." and "..", in no order. */
    int (*list)(const struct fs *fs, const char *path, fs_list_fn visit, void *context, struct err *err);
    /* Takes the exclusive lock of the file at path, made when absent; ERR_IN_USE names the holder's pid where known. A
     * holder that has died is waited for, two seconds at most: what it was starting may still have the lock. */
    int (*lock)(const struct fs *fs, const char *path, int *ret_file, struct err *err);
    int (*free_bytes)(const struct fs *fs, const char *path, uint64_t *ret_bytes, struct err *err);
};

/* The system's own; static storage. */
const struct fs *fs_system(void);

C_DECLS_END

#endif /* BASE_FS_H_ */
