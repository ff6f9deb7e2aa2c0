/* attempt_files: makes an attempt's directory and writes what its supervisor is told.
 *
 * Used by   process_execution.c.
 * Shape     argv, env and conf as supervisor/conf.h takes them, home/ for the replica, and last the lock: where the
 *           lock file is, everything else is complete.
 * Thread    the executor's.      Blocks    on the disk.
 * Errors    ERR_IO with the file's name.
 */
#ifndef EXECUTOR_ATTEMPT_FILES_H_
#define EXECUTOR_ATTEMPT_FILES_H_

#include "executor/attempt_dir.h"
#include "executor/process_config.h"

C_DECLS_BEGIN

/* The job's directory, made when absent. */
MUST_USE int attempt_make_job_dir(const struct process_config *config, uint64_t job_id, struct err *err);
/* The attempt's directory, made when absent; *ret_fd is the caller's to close. */
MUST_USE int attempt_make(const struct process_config *config, const struct execution_key *key, int *ret_fd,
                          struct err *err);
/* argv: NULL terminated, final. The lock file must be absent. */
MUST_USE int attempt_fill(const struct process_config *config, int dir_fd, const struct task *task,
                          const char *const *argv, struct err *err);
/* Makes the directories themselves durable, so that a launch in them is not forgotten when the host goes down. */
MUST_USE int attempt_sync_job(const struct process_config *config, uint64_t job_id, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_ATTEMPT_FILES_H_ */
