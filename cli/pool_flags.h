/* pool_flags: worker pools and labels out of options: gcloud's --worker-pool-spec and what goes with it, and
 * -- COMMAND.
 *
 * Used by   job_input.c.
 * Shape     out: a doc of a list of WorkerPoolSpec, or of the map of labels, as if it had been read from a file.
 * Owns      nothing: all lies in the arena.
 * Errors    ERR_INVALID, naming option and key.
 * Source    the service's documentation: the keys, and that --command, --args and --python-package-uris go to each
 *           pool and that an empty specification is an empty pool.
 */
#ifndef CLI_POOL_FLAGS_H_
#define CLI_POOL_FLAGS_H_

#include "cli/args.h"
#include "cli/doc.h"

C_DECLS_BEGIN

/* *ret_pools is NULL when no option asks for a pool. */
MUST_USE int pool_flags_read(const struct args *args, struct upb_Arena *arena, struct doc **ret_pools, struct err *err);
/* *ret_labels is NULL without --labels. */
MUST_USE int pool_flags_labels(const struct args *args, struct upb_Arena *arena, struct doc **ret_labels,
                               struct err *err);

C_DECLS_END

#endif /* CLI_POOL_FLAGS_H_ */
