/* help: the texts of --help, made of commands.def.
 *
 * Used by   program.c, command_help.c.
 * Thread    any; pure.
 */
#ifndef CLI_HELP_H_
#define CLI_HELP_H_

#include "base/text.h"
#include "cli/commands.h"

C_DECLS_BEGIN

void help_add_program(struct text *text);
void help_add_command(struct text *text, enum command_id command);

C_DECLS_END

#endif /* CLI_HELP_H_ */
