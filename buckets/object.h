/* object: one object: looked at, read, changed, deleted.
 *
 * Used by   server/gcs_*.c, upload.c.
 * Shape     a file below its bucket's directory, or for a name that ends in a slash an empty directory there.
 * Thread    any.      Blocks    on the disk.
 * Errors    as bucket_tree.h; ERR_PRECONDITION: a condition does not hold, with its name and both numbers.
 * Source    cloud.google.com/storage/docs/request-preconditions
 */
#ifndef BUCKETS_OBJECT_H_
#define BUCKETS_OBJECT_H_

#include "buckets/bucket_tree.h"
#include "buckets/object_info.h"

C_DECLS_BEGIN

#define OBJECT_ANY INT64_C(-1)

/* Each OBJECT_ANY when nothing is asked. A generation_match of 0: there is no object. */
struct object_conditions {
    int64_t generation; /* this one and no other is meant: ERR_NOT_FOUND */
    int64_t generation_match;
    int64_t generation_not_match;
    int64_t metageneration_match;
    int64_t metageneration_not_match;
};

#define OBJECT_UNCONDITIONAL                                       \
    {                                                              \
        OBJECT_ANY, OBJECT_ANY, OBJECT_ANY, OBJECT_ANY, OBJECT_ANY \
    }

/* info NULL: there is no object. */
MUST_USE int object_conditions_check(const struct object_conditions *conditions, const struct object_info *info,
                                     struct err *err);

/* ret_fd NULL: only what is known of it. Else the caller's to close; -1 for a placeholder. */
MUST_USE int object_open(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_name *name,
                         const struct object_conditions *conditions, int *ret_fd, struct object_info *ret_info,
                         struct err *err);
/* Puts fields in the place of what stands there, a null takes one away, and metadata is merged the same way; replaces: fields are
 * all there are from now on. */
MUST_USE int object_patch(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_name *name,
                          const struct object_conditions *conditions, json_t *fields, bool replaces,
                          struct object_info *ret_info, struct err *err);
/* With the directories that it leaves empty. */
MUST_USE int object_delete(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_name *name,
                           const struct object_conditions *conditions, struct err *err);

C_DECLS_END

#endif /* BUCKETS_OBJECT_H_ */
