/* wal_window: a file seen through a large aligned buffer, read ahead in order.
 *
 * Used by   wal_reader, snapshot_reader.
 * Owns      its buffer; what it returns is good until the next call.
 * Thread    one.      Blocks    on the disk.      Units     bytes; offsets and sizes are whole blocks.
 * Errors    ERR_CORRUPT: the file ends before; ERR_EXHAUSTED: memory; ERR_IO.
 */
#ifndef STORAGE_WAL_WINDOW_H_
#define STORAGE_WAL_WINDOW_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

/* Zero it to begin with; set fs, file and file_bytes. */
struct wal_window {
    const struct fs *fs;
    int file;
    uint64_t file_bytes;
    char *buffer;
    size_t capacity;
    uint64_t offset; /* of the buffer's first byte */
    size_t size;     /* read */
};

/* The bytes at offset. */
MUST_USE int wal_window_load(struct wal_window *window, uint64_t offset, size_t size, const char **ret_bytes,
                             struct err *err);
/* Forgets what was read. */
void wal_window_reset(struct wal_window *window);
void wal_window_deinit(struct wal_window *window);

C_DECLS_END

#endif /* STORAGE_WAL_WINDOW_H_ */
