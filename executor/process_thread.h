/* process_thread: the process executor's own thread, on which all attempts of this host are watched.
 *
 * Used by   executor_process.c.
 * Shape     one epoll set: the mailbox of commands and one descriptor for each living attempt. Attempts asked for in
 *           one turn become durable with one sync per job, then their supervisors are started one after the other.
 * Owns      all executions; commands from the push on.
 * Thread    push, idle, create, destroy: the controller's.      Blocks    destroy, until the thread has ended.
 * Errors    ERR_EXHAUSTED when a million commands wait or memory is gone.
 */
#ifndef EXECUTOR_PROCESS_THREAD_H_
#define EXECUTOR_PROCESS_THREAD_H_

#include <stdbool.h>

#include "base/mailbox.h"
#include "executor/process_config.h"

C_DECLS_BEGIN

enum process_command_kind {
    PROCESS_COMMAND_START,
    PROCESS_COMMAND_ADOPT,
    PROCESS_COMMAND_STOP,
    PROCESS_COMMAND_REMOVE,
    PROCESS_COMMAND_SERVICE_LOG,
    PROCESS_COMMAND_SEAL_BEGIN,
    PROCESS_COMMAND_SEAL_END,
    PROCESS_COMMAND_LAUNCHED, /* from a backend, as the next one */
    PROCESS_COMMAND_CLEARED,
    PROCESS_COMMAND_QUIT
};

struct process_command {
    struct mail mail; /* first */
    enum process_command_kind kind;
    struct execution_key key; /* of REMOVE, SERVICE_LOG, SEAL the job's id alone */
    struct task *task;        /* START; owned */
    const char **module_argv; /* START of a Python module; owned, NULL else */
    int64_t grace_ms;         /* STOP */
    int64_t time_unix_ns;     /* SERVICE_LOG */
    bool asked_for_it;        /* LAUNCHED */
    char *line;               /* SERVICE_LOG; SEAL_BEGIN: the key's name; LAUNCHED: why not, or NULL; owned */
};

struct process_thread;
struct process_backend;

/* backend: NULL, or process_execution.h; must outlive the thread. */
MUST_USE int process_thread_create(const struct process_config *config, const struct process_backend *backend,
                                   struct execution_sink sink, struct process_thread **ret_thread, struct err *err);
void process_thread_destroy(struct process_thread *thread);
/* Copies the command; what it owns is taken over, also when this fails. */
MUST_USE int process_thread_push(struct process_thread *thread, const struct process_command *command, struct err *err);
/* True when nothing that was pushed is still to be done. */
bool process_thread_is_idle(struct process_thread *thread);
/* So many commands wait that what nothing depends on should not be asked for. */
bool process_thread_is_crowded(struct process_thread *thread);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_THREAD_H_ */
