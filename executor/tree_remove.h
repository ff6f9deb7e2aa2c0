/* tree_remove: removes a directory with all that is in it, whatever a replica has made of it.
 *
 * Used by   job_remover.c.
 * Shape     by descriptors, so that no path is walked twice and no symbolic link is followed. Directories without
 *           permissions get them first. Those nested past a depth are moved up to the root before they are emptied, so
 *           that neither stack nor descriptors grow with the depth. What is mounted somewhere in it is not entered.
 * Thread    any.      Blocks    on the disk, until it is done or cancelled.
 * Errors    ERR_IO with the first name that could not be removed; all else is removed nevertheless. ERR_UNAVAILABLE when
 *           it was cancelled.
 */
#ifndef EXECUTOR_TREE_REMOVE_H_
#define EXECUTOR_TREE_REMOVE_H_

#include <stdbool.h>

#include "base/err.h"

C_DECLS_BEGIN

/* Asked before each entry; true: enough for now. */
typedef bool (*tree_remove_cancel_fn)(void *context);

/* What is not there is removed already. */
MUST_USE int tree_remove(int at_fd, const char *name, tree_remove_cancel_fn is_cancelled, void *context,
                         struct err *err);

C_DECLS_END

#endif /* EXECUTOR_TREE_REMOVE_H_ */
