/* tree_path: the walk to a file below a bucket, on which no link leads out.
 *
 * Used by   the files of this room.
 * Shape     bucket_tree from within. Every path is resolved by openat2 beneath its bucket's directory.
 * Thread    any; the lock is held between the look at an object and the change that depends on it.
 */
#ifndef BUCKETS_TREE_PATH_H_
#define BUCKETS_TREE_PATH_H_

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "buckets/bucket_tree.h"

C_DECLS_BEGIN

struct bucket_tree {
    int root_fd;
    int unfinished_fd; /* files that are being written */
    int uploads_fd;
    pthread_mutex_t lock;
    int64_t swept_mono_ns; /* under the lock */
};

/* err gets errno's meaning: ENOENT and ENOTDIR ERR_NOT_FOUND, EXDEV and ELOOP ERR_DENIED, ENOSPC and EDQUOT ERR_EXHAUSTED. -1. */
int tree_fail(struct err *err, int errno_value, const char *bucket, const char *object);

MUST_USE int tree_open_bucket(const struct bucket_tree *tree, const struct bucket_name *bucket, int *ret_fd,
                              struct err *err);
/* A descriptor, or -1 with errno. path "" is the directory itself. */
int tree_open_beneath(int dir_fd, const char *path, int flags);
/* The directory in which the object's file stands, or would; made when absent, as is whatever lies between, if asked for. *ret_base
 * points into name. */
MUST_USE int tree_open_parent(int bucket_fd, const struct object_name *name, bool makes, int *ret_fd,
                              const char **ret_base);
/* Takes away directories that are empty, from the one in which name stands up to the bucket. */
void tree_prune(int bucket_fd, const struct object_name *name);
/* A server that is root gives what it makes to the owner of the directory it is in, so that jobs of that user may use it. */
void tree_give_to_owner(int dir_fd, int fd, mode_t mode_mask);
int64_t tree_unix_us(struct timespec time);

C_DECLS_END

#endif /* BUCKETS_TREE_PATH_H_ */
