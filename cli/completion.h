/* completion: scripts that have a shell complete customjob's words, made of commands.def.
 *
 * Used by   command_local.c.
 * Shape     commands, options, the values of an option where they are a closed set, files, and the numbers of the
 *           newest jobs, which the script asks the server for.
 * Thread    any; pure.
 */
#ifndef CLI_COMPLETION_H_
#define CLI_COMPLETION_H_

#include "base/text.h"

C_DECLS_BEGIN

void completion_add_bash(struct text *text);
void completion_add_zsh(struct text *text);
void completion_add_fish(struct text *text);

C_DECLS_END

#endif /* CLI_COMPLETION_H_ */
