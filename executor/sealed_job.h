/* sealed_job: the files of one job that are sealed, and how each of them is.
 *
 * Used by   attempt_sealer.c.
 * Shape     of an attempt that has ended stdout.log, stderr.log, argv and env; of a job that has, service.log too. Each is
 *           written anew as NAME.sealed (seal/sealed_file.h): made, synced, named, the name synced, and only then is the
 *           plain one removed, so that a crash leaves one of them whole. What is sealed already and was wrapped by an old
 *           version of its key is wrapped again.
 * Thread    one per job.      Blocks    on the disk, and on a slow source of keys.
 * Errors    the first file that cannot be sealed ends it, and stays as it is: of its key (keyring.h), of the disk.
 */
#ifndef EXECUTOR_SEALED_JOB_H_
#define EXECUTOR_SEALED_JOB_H_

#include <stdbool.h>

#include "seal/keyring.h"

C_DECLS_BEGIN

/* Whether a supervisor holds the attempt. Only asks: taking the lock is for who decides about the attempt. */
bool sealed_job_is_held(int attempt_fd);
/* name: of the attempt's directory, its key. One that is not there, or that a supervisor holds, stays. */
MUST_USE int sealed_job_seal_attempt(struct keyring *keys, int job_fd, const char *name, struct span key_name,
                                     struct err *err);
/* job: its directory's name. Asked between two attempts, quits says whether to leave the others. */
MUST_USE int sealed_job_seal(struct keyring *keys, int job_fd, const char *job, struct span key_name,
                             bool (*quits)(void *context), void *context, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_SEALED_JOB_H_ */
