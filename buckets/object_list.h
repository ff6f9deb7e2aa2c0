/* object_list: a page of a bucket's objects, in the order of their names' bytes.
 *
 * Used by   server/gcs_*.c.
 * Shape     directories are read as they are at this moment, and only those in which the page can lie. An empty one is the placeholder
 *           "dir/". Links to files are objects; links to directories are not followed. What has no name that an object can have is
 *           passed over.
 * Owns      a page's memory, until object_page_deinit.
 * Thread    any.      Blocks    on the disk.
 * Bound     LIMIT_OBJECT_PAGE objects and prefixes; ERR_EXHAUSTED: a directory of more than LIMIT_BUCKET_ENTRIES.
 * Source    cloud.google.com/storage/docs/json_api/v1/objects/list
 */
#ifndef BUCKETS_OBJECT_LIST_H_
#define BUCKETS_OBJECT_LIST_H_

#include "buckets/bucket_tree.h"
#include "buckets/object_info.h"

C_DECLS_BEGIN

struct object_query {
    struct span prefix;
    bool by_directory; /* what has a slash behind the prefix is told by its prefix up to there alone */
    struct span start; /* names from here on; "": all */
    struct span end;   /* and below this; "": all */
    struct span after; /* names above this one, a page's last; "": all */
    uint32_t count_max;
};

struct object_page {
    struct object_info *items;
    uint32_t item_count;
    struct object_name *prefixes;
    uint32_t prefix_count;
    bool more;
    struct object_name last; /* what the next page begins after */
};

MUST_USE int object_list(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_query *query,
                         struct object_page *ret_page, struct err *err);
void object_page_deinit(struct object_page *page);

C_DECLS_END

#endif /* BUCKETS_OBJECT_LIST_H_ */
