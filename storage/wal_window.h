/* wal_window: a file seen through large aligned buffers, read ahead in order.
 *
 * Used by   wal_reader, snapshot_reader.
 * Owns      its buffers; what it returns is good until the next call, or as long as its buffer is held.
 * Thread    one.      Blocks    on the disk.      Units     bytes; offsets and sizes are whole blocks.
 * Errors    ERR_CORRUPT: the file ends before; ERR_EXHAUSTED: memory; ERR_IO.
 */
#ifndef STORAGE_WAL_WINDOW_H_
#define STORAGE_WAL_WINDOW_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/read_ahead.h"

C_DECLS_BEGIN

/* Zero it to begin with; set fs. file and file_bytes may change after a wal_window_reset. */
struct wal_window {
    const struct fs *fs;
    int file;
    uint64_t file_bytes;
    struct read_ahead *ahead;
    struct read_part part; /* size 0: none */
};

/* The bytes at offset. */
MUST_USE int wal_window_load(struct wal_window *window, uint64_t offset, size_t size, const char **ret_bytes,
                             struct err *err);
/* Of what the last load gave: borrowed; the bytes stay as they are while it is held. */
struct read_buffer *wal_window_buffer(const struct wal_window *window);
/* Forgets what was read. On return the file is not read any more: until then it may not be closed. */
void wal_window_reset(struct wal_window *window);
/* The same, for good. All that was held is given back before. */
void wal_window_deinit(struct wal_window *window);

C_DECLS_END

#endif /* STORAGE_WAL_WINDOW_H_ */
