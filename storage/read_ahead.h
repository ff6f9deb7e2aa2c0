/* read_ahead: a file's bytes in buffers that are held by reference, the next ones read on a thread of its own.
 *
 * Used by   wal_window; whoever holds a buffer on, in recovery the row_loader.
 * Shape     parts of READ_PART_BYTES, each at the end of the one before; before its bytes every part has
 *           READ_HEADROOM_BYTES free, for what a reader has left over of the part before. The thread is started with
 *           the first file that is worth it: a small store is read without.
 * Owns      its buffers; they live until the last hold is given back, and all must be before read_ahead_destroy.
 * Thread    one, the reader's; read_buffer_hold and _unhold: any.      Blocks    on the disk.
 * Errors    ERR_EXHAUSTED: memory; ERR_IO. Without a thread the reads are made when they are asked for.
 */
#ifndef STORAGE_READ_AHEAD_H_
#define STORAGE_READ_AHEAD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"

C_DECLS_BEGIN

#define READ_PART_BYTES (2u * 1024 * 1024)
#define READ_HEADROOM_BYTES (1024u * 1024)

struct read_ahead;
struct read_buffer;

/* One hold is the receiver's. */
struct read_part {
    struct read_buffer *buffer;
    char *bytes;
    uint64_t offset;
    size_t size; /* less than was asked for only at the end of the file */
};

/* NULL: memory. */
MUST_USE struct read_ahead *read_ahead_create(const struct fs *fs);
/* NULL is allowed. */
void read_ahead_destroy(struct read_ahead *ahead);

/* Reads size bytes at once; offset and size are whole blocks. */
MUST_USE int read_ahead_now(struct read_ahead *ahead, int file, uint64_t offset, size_t size,
                            struct read_part *ret_part, struct err *err);

/* Begins to read the file from offset on. What was begun before is forgotten. */
void read_ahead_start(struct read_ahead *ahead, int file, uint64_t file_bytes, uint64_t offset);
/* Forgets what was begun; on return the file is not read any more. */
void read_ahead_stop(struct read_ahead *ahead);
/* True: the next part begins at offset, and is read or being read. */
bool read_ahead_is_at(const struct read_ahead *ahead, uint64_t offset);
/* The next part. Only when read_ahead_is_at says so. */
MUST_USE int read_ahead_next(struct read_ahead *ahead, struct read_part *ret_part, struct err *err);

struct read_buffer *read_buffer_hold(struct read_buffer *buffer);
/* NULL is allowed. */
void read_buffer_unhold(struct read_buffer *buffer);

C_DECLS_END

#endif /* STORAGE_READ_AHEAD_H_ */
