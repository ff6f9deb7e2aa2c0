/* failure: what went wrong as people read it on the terminal, and as an exit code.
 *
 * Used by   program.c.
 * Shape     one sentence; one line for each violation the server named; a hint where there is one.
 * Thread    any; pure.
 */
#ifndef CLI_FAILURE_H_
#define CLI_FAILURE_H_

#include "base/err.h"
#include "base/text.h"
#include "cli/rpc_status.h"

C_DECLS_BEGIN

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_REFUSED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_JOB_FAILED = 3,
    EXIT_CODE_JOB_CANCELLED = 4,
    EXIT_CODE_UNREACHABLE = 5
};

/* status: how the last call ended; NULL or code 0 when the error is the client's own. */
enum exit_code failure_exit_code(const struct err *err, const struct rpc_status *status);
void failure_add(struct text *text, const struct err *err, const struct rpc_status *status, const char *endpoint);

C_DECLS_END

#endif /* CLI_FAILURE_H_ */
