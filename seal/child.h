/* child: runs a program with a deadline: a few words in, a little text out.
 *
 * Used by   key_plugin.c.
 * Owns      the process, until it has ended or was killed, and is reaped.
 * Thread    any.      Blocks    for ms_max at most.
 * Errors    ERR_UNAVAILABLE: it could not be started, was too late, or said too much.
 */
#ifndef SEAL_CHILD_H_
#define SEAL_CHILD_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define CHILD_INPUT_BYTES_MAX 4096 /* what a pipe takes at once */
#define CHILD_REASON_BYTES 256

struct child_result {
    int exit_code; /* -1: a signal ended it */
    char *output;  /* NUL terminated; the caller's to wipe and free */
    size_t output_bytes;
    char reason[CHILD_REASON_BYTES]; /* the first line of its standard error */
};

/* words: the program's path and its arguments, NULL terminated. */
MUST_USE int child_run(char *const *words, struct span input, size_t output_bytes_max, int64_t ms_max,
                       struct child_result *ret_result, struct err *err);

C_DECLS_END

#endif /* SEAL_CHILD_H_ */
