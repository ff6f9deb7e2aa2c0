/* bucket_name: which names of buckets and objects there can be, in a tree of directories.
 *
 * Used by   object_*.c, bucket_tree.c, upload.c, server/gcs_*.c.
 * Shape     an object's name is a path below its bucket's directory. A name that no path can have ("a//b", "../a") is refused.
 *           A name that ends in a slash is that of a placeholder: an empty directory.
 * Thread    any.
 * Errors    ERR_INVALID with the name and what is wrong with it.
 * Source    cloud.google.com/storage/docs/buckets#naming, …/objects#naming
 */
#ifndef BUCKETS_BUCKET_NAME_H_
#define BUCKETS_BUCKET_NAME_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define BUCKET_NAME_BYTES_MAX 222
#define OBJECT_NAME_BYTES_MAX 1024
#define OBJECT_NAME_DEPTH_MAX 128

/* NUL terminated, checked. */
struct bucket_name {
    char text[BUCKET_NAME_BYTES_MAX + 1];
};
struct object_name {
    char text[OBJECT_NAME_BYTES_MAX + 1];
};

MUST_USE int bucket_name_read(struct span text, struct bucket_name *ret_name, struct err *err);
MUST_USE int object_name_read(struct span text, struct object_name *ret_name, struct err *err);
/* Of an empty directory. */
bool object_name_is_placeholder(const struct object_name *name);

C_DECLS_END

#endif /* BUCKETS_BUCKET_NAME_H_ */
