/* job_events: what the service says of a job: restarts, retries, why a replica ended.
 *
 * Used by   command_jobs.c.
 * Shape     the last lines of the log of "service", each behind its time.
 * Thread    main.      Blocks    as session_call.
 * Errors    as log_call.h; ERR_DEADLINE. ERR_UNSUPPORTED: the server keeps no logs.
 */
#ifndef CLI_JOB_EVENTS_H_
#define CLI_JOB_EVENTS_H_

#include "cli/session.h"

C_DECLS_BEGIN

/* Adds nothing where nothing was said, and nothing after a failure. */
MUST_USE int job_events_add(struct session *session, struct span name, struct text *text, struct err *err);

C_DECLS_END

#endif /* CLI_JOB_EVENTS_H_ */
