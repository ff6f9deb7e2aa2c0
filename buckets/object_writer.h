/* object_writer: makes an object: its bytes in a file that nobody sees, which gets its name at the end.
 *
 * Used by   server/gcs_*.c; upload.c commits the file of a resumable upload.
 * Shape     a reader, and a job, sees an object as it was or as it will be, never half; on return from commit it is on the disk.
 * Owns      the file, until commit or close.
 * Thread    one at a time.      Blocks    on the disk.
 * Errors    as object.h.
 */
#ifndef BUCKETS_OBJECT_WRITER_H_
#define BUCKETS_OBJECT_WRITER_H_

#include <stddef.h>

#include "buckets/object.h"

C_DECLS_BEGIN

struct object_writer;

MUST_USE int object_writer_open(struct bucket_tree *tree, struct object_writer **ret_writer, struct err *err);
MUST_USE int object_writer_write(struct object_writer *writer, const void *bytes, size_t size, struct err *err);
/* All that stands in fd, from its beginning. */
MUST_USE int object_writer_copy(struct object_writer *writer, int fd, struct err *err);

/* What the object is to be. */
struct object_plan {
    const struct bucket_name *bucket;
    const struct object_name *name;
    const struct object_conditions *conditions;
    json_t *fields; /* borrowed; an object */
    /* What the client says of its bytes; NULL: nothing. ERR_INVALID when they are others. */
    const uint32_t *crc32c;
    const uint8_t *md5;
};

MUST_USE int object_writer_commit(struct object_writer *writer, const struct object_plan *plan,
                                  struct object_info *ret_info, struct err *err);
/* Removes what was not committed. NULL is allowed. */
void object_writer_close(struct object_writer *writer);

/* A file of ours that is to become an object. */
struct unnamed_file {
    int dir_fd;
    const char *name; /* in there */
    int fd;           /* the same, open */
};

/* Moves the file to the object's place. */
MUST_USE int object_commit_file(struct bucket_tree *tree, const struct unnamed_file *file,
                                const struct object_plan *plan, struct object_info *ret_info, struct err *err);

C_DECLS_END

#endif /* BUCKETS_OBJECT_WRITER_H_ */
