/* mounts: what the replica sees of the host at places of its own: the buckets as /gcs, and what stands for NFS and Lustre.
 *
 * Used by   child.c, in the process that becomes the replica, as root.
 * Shape     a mount namespace of its own, in which /mnt/nfs and /mnt/lustre are made anew: nobody else sees what is there.
 *           The three directories themselves are made on the host, empty, where they are not there.
 * Errors    -1 and *failure tells what.
 */
#ifndef SUPERVISOR_MOUNTS_H_
#define SUPERVISOR_MOUNTS_H_

#include "supervisor/conf.h"
#include "supervisor/failure.h"

/* Does nothing when conf wants nothing. */
int mounts_enter(const struct conf *conf, struct failure *failure);

#endif /* SUPERVISOR_MOUNTS_H_ */
