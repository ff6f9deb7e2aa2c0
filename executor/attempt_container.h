/* attempt_container: what the supervisor of a container is told: the image's word on its program joined with the job's.
 *
 * Used by   docker_launch.c.
 * Shape     argv, env, conf and last the lock, as attempt_files.h does for processes. Of the environment the job's entries
 *           win, then passed ones, then the image's; of the program command and args as the API has it: a command takes
 *           the place of ENTRYPOINT and CMD, args alone that of CMD.
 * Thread    one of the executor's.      Blocks    on the disk.
 * Errors    ERR_INVALID: the image says what cannot be run; ERR_IO with the file's name.
 */
#ifndef EXECUTOR_ATTEMPT_CONTAINER_H_
#define EXECUTOR_ATTEMPT_CONTAINER_H_

#include "executor/attempt_dir.h"
#include "executor/docker_api.h"
#include "executor/process_config.h"

C_DECLS_BEGIN

#define ATTEMPT_CONTAINER_BUCKETS "/gcs"

/* module_argv: NULL, or the whole argv of a Python module. The lock file must be absent. */
MUST_USE int attempt_container_fill(const struct process_config *config, int dir_fd, const struct task *task,
                                    const char *const *module_argv, const struct docker_image *image,
                                    const char *hostname, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_ATTEMPT_CONTAINER_H_ */
