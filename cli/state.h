/* state: the states of jobs: their names, their colours, and what a program ends with when it waited for one.
 *
 * Used by   table.c, job_view.c, job_watch.c.
 * Thread    any; pure.
 */
#ifndef CLI_STATE_H_
#define CLI_STATE_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "cli/failure.h"

C_DECLS_BEGIN

#define STATE_PLAIN "\033[0m"

/* "RUNNING": without JOB_STATE_, which is the same for all; "STATE_17" for one that we do not know. Static storage,
 * or the caller's buffer. */
const char *state_name(int32_t state, char buffer[24]);
bool state_is_final(int32_t state);
enum exit_code state_exit_code(int32_t state);
/* The escape sequence for a state's name, "" for any other text. */
const char *state_colour(struct span name);

C_DECLS_END

#endif /* CLI_STATE_H_ */
