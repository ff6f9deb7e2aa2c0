/* wal_segment: one file of the log: made whole and named only when it is durable, opened, ended.
 *
 * Used by   wal_writer (makes and ends), wal_spare (makes blank ones), wal_reader (opens to read), recovery.
 * Shape     see the head of wal_writer.c.      Units     bytes.
 * Thread    the caller's; no state.      Blocks    on the disk.
 * Errors    ERR_CORRUPT and ERR_UNSUPPORTED name the file; ERR_EXHAUSTED: the disk is full; ERR_IO.
 */
#ifndef STORAGE_WAL_SEGMENT_H_
#define STORAGE_WAL_SEGMENT_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "storage/data_dir.h"
#include "storage/wal_format.h"

C_DECLS_BEGIN

/* How the log's files are opened to be appended to: a write returns when it is durable. */
#define WAL_SEGMENT_APPEND_FLAGS (FS_DIRECT | FS_DATA_SYNC)
/* And to be read: past the page cache, which after a failed write may show what is not on the disk. */
#define WAL_SEGMENT_READ_FLAGS (FS_READ | FS_DIRECT)

/* A file of zeros at path, written (not only allocated: the first write to an allocated block costs a journal commit)
 * and synced; the name itself is not yet durable. Removes what stood there. */
MUST_USE int wal_segment_make_blank(const struct fs *fs, const struct data_dir_path *path, uint64_t bytes,
                                    struct err *err);

/* Makes segment header->number of header->segment_bytes: from the blank or recycled file at spare, or anew when spare
 * is NULL. Durable on return, name and all; replaces a segment of the same number. Sets header->crc and the random
 * header->segment_id. Returns the file, opened to append. */
MUST_USE int wal_segment_create(const struct fs *fs, const char *dir, const struct data_dir_path *spare,
                                struct wal_segment_header *header, int *ret_file, struct err *err);

/* Opens segment number and reads its header. ERR_NOT_FOUND when there is none. A file that is shorter or longer than
 * its header tells is corrupt: it was whole before it was named. */
MUST_USE int wal_segment_open(const struct fs *fs, const char *dir, uint64_t number, unsigned flags, int *ret_file,
                              struct wal_segment_header *ret_header, struct err *err);

/* Says at offset, durably, that the log goes on in the next segment, which exists. */
MUST_USE int wal_segment_write_trailer(const struct fs *fs, int file, uint32_t segment_crc, uint64_t offset,
                                       const struct wal_trailer *trailer, struct err *err);

/* Memory as FS_DIRECT wants it; NULL when there is none. Free with free(). */
MUST_USE void *wal_segment_buffer(size_t size);

C_DECLS_END

#endif /* STORAGE_WAL_SEGMENT_H_ */
