/* logs_tail: prints a job's log, to its present end or as it grows.
 *
 * Used by   command_logs.c, command_create.c.
 * Shape     a stream that breaks while it is followed is asked for again from where it was (log_cursor.h).
 * Thread    main.      Blocks    until the end of the log, or of --timeout.
 * Errors    as session_call; ERR_DEADLINE.
 */
#ifndef CLI_LOGS_TAIL_H_
#define CLI_LOGS_TAIL_H_

#include "cli/job_watch.h"
#include "cli/log_call.h"

C_DECLS_BEGIN

/* watch: looked at about every second, so that states are told as they come; NULL: not. */
MUST_USE int logs_tail(struct session *session, const struct logs_request *request, struct job_watch *watch,
                       struct err *err);

C_DECLS_END

#endif /* CLI_LOGS_TAIL_H_ */
