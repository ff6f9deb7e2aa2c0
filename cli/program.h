/* program: customjob from command line to exit code.
 *
 * Used by   main.c.
 * Thread    main.      Blocks    as the command does.
 */
#ifndef CLI_PROGRAM_H_
#define CLI_PROGRAM_H_

#include <stdio.h>

#include "base/err.h"

C_DECLS_BEGIN

/* out: what was asked for; notes: progress and errors. Returns the exit code. */
int program_run(int argc, char **argv, FILE *out, FILE *notes);

C_DECLS_END

#endif /* CLI_PROGRAM_H_ */
