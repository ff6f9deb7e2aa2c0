/* command: what every command is: a function that works in a session.
 *
 * Used by   program.c calls the one that the command line names.
 * Shape     returns 0 and may set *exit, which is 0 before; or -1 and err, of which program.c makes message and code.
 * Thread    main.
 */
#ifndef CLI_COMMAND_H_
#define CLI_COMMAND_H_

#include "cli/session.h"

C_DECLS_BEGIN

typedef int (*command_fn)(struct session *session, int *exit_code, struct err *err);

/* command_create.c */
MUST_USE int command_create(struct session *session, int *exit_code, struct err *err);
/* command_jobs.c */
MUST_USE int command_get(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_list(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_cancel(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_delete(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_wait(struct session *session, int *exit_code, struct err *err);
/* command_logs.c */
MUST_USE int command_logs(struct session *session, int *exit_code, struct err *err);
/* command_operations.c */
MUST_USE int command_operations_list(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_operations_get(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_operations_wait(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_operations_cancel(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_operations_delete(struct session *session, int *exit_code, struct err *err);
/* command_simulation.c */
MUST_USE int command_simulation_clock(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_simulation_advance(struct session *session, int *exit_code, struct err *err);
/* command_faults.c */
MUST_USE int command_simulation_faults(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_simulation_fault(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_simulation_heal(struct session *session, int *exit_code, struct err *err);
/* command_local.c */
MUST_USE int command_completion(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_help(struct session *session, int *exit_code, struct err *err);
MUST_USE int command_version(struct session *session, int *exit_code, struct err *err);

/* The full name of the job an operand names; "@last" is the newest one. */
MUST_USE int command_job_name(struct session *session, const char *operand, struct span *ret_name, struct err *err);
/* Waits for an operation until it is done. */
struct google_longrunning_Operation;
MUST_USE int command_wait_operation(struct session *session, struct span name, upb_Arena *arena,
                                    const struct google_longrunning_Operation **ret_operation, struct err *err);
/* What went wrong so far, on notes; returns the exit code it means. */
int command_report(struct session *session, const struct err *err);

C_DECLS_END

#endif /* CLI_COMMAND_H_ */
