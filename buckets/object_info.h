/* object_info: what is known of an object: its file's size and times, and what a client once said of it.
 *
 * Used by   object.c, object_writer.c, object_list.c, upload.c, server/gcs_json.c.
 * Shape     fields, generation and checksums stand in the file's extended attribute "user.customjobd", with the size and the time of
 *           change that they are true for. A file that a job wrote, or wrote to, has none that are: then the generation is its
 *           time of change, the checksums are unknown, and the fields are those it was given last.
 * Owns      fields, until object_info_deinit.
 * Thread    the caller's.      Units     microseconds since 1970 UTC for times and generations.
 * Errors    as bucket_tree.h; ERR_UNSUPPORTED: the file system has no extended attributes, and there are fields to keep.
 */
#ifndef BUCKETS_OBJECT_INFO_H_
#define BUCKETS_OBJECT_INFO_H_

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "buckets/bucket_name.h"

C_DECLS_BEGIN

#define OBJECT_MD5_BYTES 16

struct object_info {
    struct object_name name;
    uint64_t size_bytes;
    int64_t generation;
    int64_t metageneration;
    int64_t created_unix_us;
    int64_t updated_unix_us;
    bool has_checksums;
    uint32_t crc32c;
    uint8_t md5[OBJECT_MD5_BYTES];
    json_t *fields; /* an object: contentType, cacheControl, …, metadata; never NULL */
};

/* All zero is allowed. */
void object_info_deinit(struct object_info *info);

/* Reads them of an open file; the name is set by the caller. */
MUST_USE int object_info_read(int fd, const struct stat *status, struct object_info *ret_info, struct err *err);
/* Keeps generation, metageneration, checksums, creation and fields with the file, as it is now. */
MUST_USE int object_info_write(int fd, const struct object_info *info, struct err *err);
/* Reads the whole file. */
MUST_USE int object_info_checksum(int fd, struct object_info *info, struct err *err);
/* ERR_INVALID: more than LIMIT_OBJECT_FIELDS_BYTES as JSON. */
MUST_USE int object_fields_check(const json_t *fields, struct err *err);

C_DECLS_END

#endif /* BUCKETS_OBJECT_INFO_H_ */
