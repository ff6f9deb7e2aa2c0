/* directory_entries: one directory's names, sorted as the objects below it are.
 *
 * Used by   object_list.c.
 * Shape     a directory's name has its slash: "a-b" stands before "a/", and so before all that lies in there.
 * Owns      its memory, until directory_entries_deinit.
 * Thread    the caller's.      Blocks    on the disk.
 * Errors    as bucket_tree.h.
 */
#ifndef BUCKETS_DIRECTORY_ENTRIES_H_
#define BUCKETS_DIRECTORY_ENTRIES_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

C_DECLS_BEGIN

struct directory_entries {
    char **names;
    size_t count;
    size_t capacity;
    bool is_empty; /* there is nothing at all in it, not even what has no object's name */
};

/* dir_fd is closed in any case. */
MUST_USE int directory_entries_read(int dir_fd, struct directory_entries *ret_entries, struct err *err);
void directory_entries_deinit(struct directory_entries *entries);

C_DECLS_END

#endif /* BUCKETS_DIRECTORY_ENTRIES_H_ */
