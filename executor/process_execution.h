/* process_execution: one attempt on this host, from its files to its end, and what is told of it.
 *
 * Used by   process_thread.c.
 * Shape     the event file says what happened and the lock whether a supervisor lives; socket, ready pipe and timer only
 *           say when to look. So every wait may end for nothing, and none is trusted.
 * Owns      its task, one descriptor (ready pipe or socket) and, until it is reaped, a child process. The attempt
 *           itself it only watches: destroying an execution ends nothing.
 * Thread    the executor's.      Blocks    on the disk.
 * Promise   each event at most once, in the order of executor.h.
 * Source    docs/execution.md
 */
#ifndef EXECUTOR_PROCESS_EXECUTION_H_
#define EXECUTOR_PROCESS_EXECUTION_H_

#include <stdbool.h>
#include <sys/types.h>

#include "executor/attempt_dir.h"
#include "executor/process_config.h"
#include "executor/process_timer.h"

C_DECLS_BEGIN

#define PROCESS_READY_BYTES 256

/* How attempts come to their supervisors where they are not processes that this one starts. What a call leads to comes
 * back by mail, on the executor's thread: process_execution_launched after launch, process_execution_cleared after clear. */
struct process_backend {
    void *context;
    /* Takes over task and argv, also when it fails; fills the attempt's directory too. */
    int (*launch)(void *context, const struct execution_key *key, struct task *task, const char **module_argv,
                  struct err *err);
    /* A launch on its way is not wanted any more. */
    void (*cancel)(void *context, const struct execution_key *key);
    /* Ends and removes what may be left of an attempt that nobody supervises. */
    int (*clear)(void *context, const struct execution_key *key, struct err *err);
    /* The attempt has ended and was told; what it ran in is not needed any more. */
    void (*forget)(void *context, const struct execution_key *key);
};

/* What executions share. */
struct process_host {
    const struct process_backend *backend; /* NULL: supervisors are started here */
    const struct process_config *config;
    struct execution_sink sink;
    int epoll_fd;
    struct process_timers timers;
};

enum process_phase {
    PROCESS_PREPARED,  /* its files are there; no supervisor was started by us */
    PROCESS_LAUNCHING, /* the ready pipe tells what becomes of the launch */
    PROCESS_WATCHED,   /* the socket or the timer tells when to look again */
    PROCESS_CLEARING,  /* the backend says when nothing of it is left */
    PROCESS_ENDED      /* told; its supervisor may have to be reaped */
};

struct process_execution {
    struct execution_key key; /* first: executions are found by it */
    struct process_host *host;
    enum process_phase phase;
    bool adopting; /* what was never launched is NOT_LAUNCHED */
    bool launched; /* seen to be; from then on never void */
    bool told_started;
    bool cleared;      /* by the backend */
    bool asked_for_it; /* there was no launch for a reason that lies in the task */
    bool stop_wanted;
    uint32_t stop_grace_ms;
    struct task *task; /* with argv until spawned; NULL when adopting */
    const char **module_argv;
    int fd; /* of LAUNCHING the ready pipe, of WATCHED the socket; -1: none */
    pid_t child_pid;
    char reason[PROCESS_READY_BYTES]; /* why there was no launch */
    size_t reason_bytes;
    struct process_timer timer;
    bool is_queued; /* in a list of the thread's, by the next pointer */
    struct process_execution *queue_next;
};

/* Takes over task and argv, also when it fails; both NULL when adopting. */
MUST_USE int process_execution_create(struct process_host *host, const struct execution_key *key, struct task *task,
                                      const char **module_argv, struct process_execution **ret_execution,
                                      struct err *err);
void process_execution_destroy(struct process_execution *execution);

/* Of a start: writes the files. True: process_execution_spawn is next. */
bool process_execution_prepare(struct process_execution *execution);
/* refusal: NULL, or why there shall be no launch. */
void process_execution_spawn(struct process_execution *execution, const struct err *refusal);
void process_execution_adopt(struct process_execution *execution);
void process_execution_stop(struct process_execution *execution, int64_t grace_ms);
/* Its descriptor has something. */
void process_execution_readable(struct process_execution *execution);
/* From the backend: reason NULL says that the files tell, else why there was no launch. */
void process_execution_launched(struct process_execution *execution, const char *reason, bool asked_for_it);
void process_execution_cleared(struct process_execution *execution);
/* Its timer is over. */
void process_execution_due(struct process_execution *execution);
/* Everything is told and reaped. */
bool process_execution_is_done(const struct process_execution *execution);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_EXECUTION_H_ */
