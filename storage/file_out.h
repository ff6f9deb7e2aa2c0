/* file_out: a new file written from its beginning to its end in large pieces, past the page cache.
 *
 * Used by   backup, rebrand.
 * Shape     what is appended gathers until a piece is full; the end of the file may be left as a hole.
 * Owns      its file, until it is finished or dropped, and its buffer.
 * Thread    one.      Blocks    on the disk, and to keep its pace.      Units     bytes; all sizes are whole blocks.
 * Errors    ERR_EXISTS; ERR_EXHAUSTED: disk or memory; ERR_IO.
 */
#ifndef STORAGE_FILE_OUT_H_
#define STORAGE_FILE_OUT_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/pace.h"

C_DECLS_BEGIN

/* What goes on while files are written: shared by all files of one copy. Zero it to begin with. */
struct copy_watch {
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes); /* NULL: nobody looks */
    void *context;
    uint64_t total_bytes;
    uint64_t done_bytes;
    struct pace pace;
};

struct file_out {
    const struct fs *fs;
    struct copy_watch *watch;
    int file; /* -1: none */
    char *buffer;
    size_t used;
    uint64_t offset; /* of the buffer's first byte */
};

MUST_USE int file_out_open(const struct fs *fs, const char *path, struct copy_watch *watch, struct file_out *ret_out,
                           struct err *err);
MUST_USE int file_out_append(struct file_out *out, const void *bytes, size_t size, struct err *err);
/* The file ends at bytes, not below what was appended; durable but for its name. */
MUST_USE int file_out_finish(struct file_out *out, uint64_t bytes, struct err *err);
/* After finish, or instead of it; the file stays as it is. */
void file_out_drop(struct file_out *out);

/* Makes a small file of this text, durable with its name, by way of PATH.tmp. Replaces what stood there. */
MUST_USE int file_out_text(const struct fs *fs, const char *dir, const char *name, const char *text, struct err *err);

C_DECLS_END

#endif /* STORAGE_FILE_OUT_H_ */
