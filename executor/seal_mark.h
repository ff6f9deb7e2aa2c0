/* seal_mark: the file seal.key in a job's directory: with which key its files are to be sealed.
 *
 * Used by   attempt_sealer.c.
 * Shape     the key's name and a newline. It is there whole or not at all, and lives as long as the directory.
 * Thread    one per job.      Blocks    on the disk.
 */
#ifndef EXECUTOR_SEAL_MARK_H_
#define EXECUTOR_SEAL_MARK_H_

#include "base/err.h"
#include "seal/key_source.h"

C_DECLS_BEGIN

#define SEAL_MARK_FILE "seal.key"

/* The name in the mark, NUL terminated; false: the job has none. */
bool seal_mark_read(int job_fd, char name[KEY_NAME_BYTES]);
/* Durable on return, but for the name of the job's directory. One that says so already stays. */
MUST_USE int seal_mark_write(int job_fd, const char *key_name, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_SEAL_MARK_H_ */
