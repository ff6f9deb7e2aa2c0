/* mount_map: which directories of this host stand for the NFS exports and Lustre file systems that jobs name.
 *
 * Used by   server/main_serve.c (makes it), job_spec_pools.c (what is mapped), job_plan.c (where it is).
 * Shape     entries SERVER:PATH=DIR and ADDRESS:FILESYSTEM=DIR; an address of IPv6 stands in brackets.
 * Owns      its texts.      Thread    any; constant once made.      Blocks    create, on the directories.
 * Errors    ERR_INVALID names the entry and what is wrong with it.
 */
#ifndef JOB_MOUNT_MAP_H_
#define JOB_MOUNT_MAP_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct mount_map;

enum mount_kind { MOUNT_NFS, MOUNT_LUSTRE };

/* Lists end with NULL, and may be NULL. *ret_map is NULL when both are empty. */
MUST_USE int mount_map_create(const char *const *nfs, const char *const *lustre, struct mount_map **ret_map,
                              struct err *err);
/* NULL is allowed. */
void mount_map_destroy(struct mount_map *map);
/* The directory; NULL: nothing stands for it, or map is NULL. */
const char *mount_map_find(const struct mount_map *map, enum mount_kind kind, struct span server, struct span path);
/* Whether it can be the last part of /mnt/nfs/… or /mnt/lustre/…. */
bool mount_point_is_name(struct span mount_point);

C_DECLS_END

#endif /* JOB_MOUNT_MAP_H_ */
