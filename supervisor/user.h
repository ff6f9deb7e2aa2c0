/* user: finds the user an image names, in the files of the root directory that the process will see.
 *
 * Used by   setup.c, before the process is made.
 * Shape     user[:group], each a name or a number, as in USER of a Dockerfile. A name has to stand in /etc/passwd or
 *           /etc/group. A number need not: then its group is 0 and its home is /. Without a group it is the user's own, with
 *           those that name him in /etc/group beside it.
 * Owns      nothing.      Heap    none.
 * Errors    -1 and *failure; conf is untouched then.
 */
#ifndef SUPERVISOR_USER_H_
#define SUPERVISOR_USER_H_

#include "supervisor/conf.h"
#include "supervisor/failure.h"

/* Sets uid, gid and groups of conf from its user, and HOME in its environment if that has none. */
int user_find(struct conf *conf, struct failure *failure);

#endif /* SUPERVISOR_USER_H_ */
