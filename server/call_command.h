/* call_command: a call that waits for the controller, and what it is answered when that has decided.
 *
 * Used by   custom_job_service.c, operations_service.c.
 * Owns      the command, in the call's arena. What its spans point to must live as long as the call, as its request,
 *           arena and metadata do.
 * Thread    call_submit on the call's; the rest on the controller's, from command.done.
 */
#ifndef SERVER_CALL_COMMAND_H_
#define SERVER_CALL_COMMAND_H_

#include "job/controller.h"
#include "server/call.h"

C_DECLS_BEGIN

/* Submits a copy of the command for the call. What refuses it is the call's answer. A WAIT is abandoned when the call's
 * client is gone. */
void call_submit(struct call *call, const struct command *command);
/* The call of a command that call_submit made. */
struct call *call_of_command(const struct command *command);
/* A command_done_fn: the answer is the result's version, or its error with the command's name. */
void call_reply_result_version(struct command *command, const struct command_result *result);

C_DECLS_END

#endif /* SERVER_CALL_COMMAND_H_ */
