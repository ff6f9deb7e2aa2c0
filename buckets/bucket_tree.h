/* bucket_tree: a directory that stands for Cloud Storage: DIR/BUCKET/OBJECT is gs://BUCKET/OBJECT.
 *
 * Used by   server/gcs_*.c; main_http.c opens and closes it.
 * Shape     buckets are directories, objects are files, and jobs write to both beside us: what they make is there at once.
 *           DIR/.customjobd is ours: what is being written, and uploads that are under way.
 * Owns      descriptors of DIR and of what is ours.
 * Thread    any, all functions of this room.      Blocks    on the disk, all of them.
 * Errors    ERR_NOT_FOUND, ERR_EXISTS, ERR_PRECONDITION; ERR_DENIED also for a path that a link leads out of its bucket;
 *           ERR_EXHAUSTED: a full disk; ERR_IO.
 */
#ifndef BUCKETS_BUCKET_TREE_H_
#define BUCKETS_BUCKET_TREE_H_

#include <stdint.h>

#include "base/err.h"
#include "buckets/bucket_name.h"

C_DECLS_BEGIN

struct bucket_tree;

/* Below DIR: files that are being written, removed when they are a day old. */
#define BUCKET_TREE_UNFINISHED ".customjobd/unfinished"

MUST_USE int bucket_tree_open(const char *dir, struct bucket_tree **ret_tree, struct err *err);
/* NULL is allowed. Nothing of it may be in use. */
void bucket_tree_close(struct bucket_tree *tree);

struct bucket_info {
    struct bucket_name name;
    int64_t created_unix_us; /* the file system's, or the change time where it has none */
    int64_t updated_unix_us;
};

MUST_USE int bucket_make(struct bucket_tree *tree, const struct bucket_name *name, struct bucket_info *ret_info,
                         struct err *err);
/* ERR_PRECONDITION: it is not empty. */
MUST_USE int bucket_remove(struct bucket_tree *tree, const struct bucket_name *name, struct err *err);
MUST_USE int bucket_stat(struct bucket_tree *tree, const struct bucket_name *name, struct bucket_info *ret_info,
                         struct err *err);
/* Those with names above after that begin with prefix, in order, at most count_max; *ret_infos is to be freed. *ret_more: there
 * are more. */
MUST_USE int bucket_list(struct bucket_tree *tree, struct span prefix, struct span after, uint32_t count_max,
                         struct bucket_info **ret_infos, uint32_t *ret_count, bool *ret_more, struct err *err);

C_DECLS_END

#endif /* BUCKETS_BUCKET_TREE_H_ */
