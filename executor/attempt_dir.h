/* attempt_dir: the directory of one attempt, read: what happened, who holds it, what was said last.
 *
 * Used by   process_execution.c; attempt_files.c (paths).
 * Shape     ATTEMPTS/<job_id>/<key>/, see docs/execution.md. The event file is the truth; a held lock means alive.
 * Thread    any; the lock is asked for by one thread only.      Blocks    on the disk.
 * Errors    a file that cannot be read is an error and never "not there".
 * Source    docs/execution.md.
 */
#ifndef EXECUTOR_ATTEMPT_DIR_H_
#define EXECUTOR_ATTEMPT_DIR_H_

#include <stdbool.h>
#include <stddef.h>

#include "executor/executor.h"
#include "supervisor/supervisor_wire.h"

C_DECLS_BEGIN

/* The replica's home and working directory, within the attempt's. */
#define ATTEMPT_HOME "home"
/* In every replica's environment, first: the key. */
#define ATTEMPT_VARIABLE "CUSTOMJOBD_EXECUTION"

/* 20 digits, a slash, the key. */
#define ATTEMPT_PATH_BYTES (EXECUTION_KEY_BYTES + 24)

/* "<job_id>" and "<job_id>/<key>". */
void attempt_job_path(uint64_t job_id, char path[ATTEMPT_PATH_BYTES]);
void attempt_path(const struct execution_key *key, char path[ATTEMPT_PATH_BYTES]);

/* *ret_fd is -1 when there is no such directory, which is no failure. */
MUST_USE int attempt_open(int attempts_fd, const struct execution_key *key, int *ret_fd, struct err *err);

enum attempt_finding {
    ATTEMPT_HELD, /* a supervisor lives */
    ATTEMPT_FREE, /* it was launched, and no supervisor lives; the history is complete */
    ATTEMPT_VOID  /* it was not launched, and from now on cannot be: its lock file is gone */
};

MUST_USE int attempt_read_history(int dir_fd, struct supervisor_history *ret_history, struct err *err);
/* An attempt that nobody launched is made void. */
MUST_USE int attempt_examine(int dir_fd, enum attempt_finding *ret_finding, struct supervisor_history *ret_history,
                             struct err *err);

struct keyring;

/* The last lines of the standard error output, plain or sealed, without their heads, as they came; 0 bytes when there are none. */
size_t attempt_stderr_tail(struct keyring *keys, int dir_fd, const struct execution_key *key, char *tail,
                           size_t tail_bytes);

C_DECLS_END

#endif /* EXECUTOR_ATTEMPT_DIR_H_ */
