/* controller: the one thread that decides: owner of the log, of every job's state and of the executor.
 *
 * Used by   server/ (commands, through controller_submit), server/main.c (life cycle).
 * Shape     the turn: drain → decide → append → one sync → publish → act and reply. No reply, start or stop leaves
 *           before its record is durable. After a start of the server: reconcile asks the executor what is true.
 * Owns      the store's writing half, the executor, all timers; a command while it is submitted.
 * Thread    controller_submit from any thread; the rest from the one that made it. command.done is called on the
 *           controller thread and must not block.
 * Blocks    controller_submit never. controller_stop until the thread has drained.
 * Errors    a disk failure ends the thread and calls options.fatal with the sentence; nothing is acknowledged any more.
 */
#ifndef JOB_CONTROLLER_H_
#define JOB_CONTROLLER_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/span.h"
#include "executor/executor.h"
#include "job/api.h"
#include "storage/store.h"

C_DECLS_BEGIN

enum command_kind {
    COMMAND_CREATE_JOB,
    COMMAND_CANCEL_JOB,
    COMMAND_DELETE_JOB,
    COMMAND_WAIT_OPERATION,  /* done is called when it is done, when it goes away, or at the deadline */
    COMMAND_DELETE_OPERATION /* forget a done one */
};

struct command;

/* What came of a command; everything is valid during the call only (ref the version to keep it). */
struct command_result {
    const struct err *err;         /* NULL: it worked */
    struct store_version *version; /* CREATE: the job. DELETE, WAIT: the operation. else NULL */
    struct span operation_name;    /* CANCEL: of the operation recorded for it, for x-operation-name */
};

typedef void (*command_done_fn)(struct command *command, const struct command_result *result);

/* Made by the caller, the controller's from submit to done. Spans must live as long. */
struct command {
    struct mail mail; /* first */
    enum command_kind kind;
    enum api_version version; /* decides the type of an operation's metadata */
    command_done_fn done;
    struct span name;                  /* CANCEL, DELETE: the job's. WAIT, DELETE_OPERATION: the operation's */
    struct span parent;                /* CREATE */
    struct span custom_job_wire;       /* CREATE: as job_spec_prepare gave it */
    const API(CustomJob) * custom_job; /* CREATE: likewise; NULL: it is decoded once more */
    uint32_t replica_count;            /* CREATE: likewise */
    struct span request_id;            /* CREATE: idempotency key, may be empty */
    int64_t deadline_mono_ns;          /* WAIT */
    bool is_abandoned;                 /* WAIT: by __atomic, see controller_abandon */
};

static inline bool command_is_abandoned(const struct command *command)
{
    return __atomic_load_n(&command->is_abandoned, __ATOMIC_ACQUIRE);
}

/* The number a project id stands for, as jobs see it in CLOUD_ML_PROJECT_ID. */
struct project_number {
    const char *project;
    uint64_t number;
};

struct capacity_rules;
struct mount_map;
struct schedule_policy;

struct controller_options {
    struct store *store;
    const struct clock *clock;      /* of jobs */
    const struct clock *call_clock; /* of callers that wait: command.deadline_mono_ns; NULL: the same */
    uint32_t replicas_max;          /* running at once; whole jobs wait QUEUED in order */
    /* What jobs ask of this host, and what it has; NULL: replicas are counted alone. */
    const struct capacity_rules *capacity;
    int64_t stop_grace_ms;
    const struct project_number *project_numbers; /* of projects not among them it is made of the id */
    size_t project_number_count;
    const char *buckets_dir;
    const struct mount_map *mounts; /* what nfs_mounts and lustre_mounts stand for; NULL: nothing */
    /* Who of those that wait is started next; NULL: schedule_fifo. */
    const struct schedule_policy *schedule_policy;
    int64_t schedule_patience_ns;
    const char *fair_share_label; /* jobs with one value of it share; NULL: all are alike */
    /* Replicas are held to the processors and the memory that are counted for them, and to so many processes and
     * threads, 0: any number. */
    bool limits_cpus;
    bool limits_memory;
    uint64_t pids_max;
    /* The disk has less room than the store wants for new jobs, or enough again; NULL: nobody wants to know. */
    void (*space_changed)(void *context, bool is_low);
    /* Ended jobs and done operations go this long after their end, or when there are more of them; 0: they stay. */
    int64_t retention_ms;
    uint64_t retention_count;
    /* The store was restored from a backup: an execution of which the executor knows nothing may have run where the
     * backup was taken, so that it is LOST, not started. restored_settled: all of them are decided, durably; once. */
    bool is_restored;
    void (*restored_settled)(void *context);
    void (*fatal)(void *context, const struct err *err); /* controller thread; the process should end with code 5 */
    void (*log)(void *context, const char *line);        /* one line worth an operator's eye; NULL: none */
    void *context;
};

struct controller;

/* Makes the controller and reads its state from the store. Then: make the executor with controller_sink, then start. */
MUST_USE int controller_create(const struct controller_options *options, struct controller **ret_controller,
                               struct err *err);
/* The sink to make the executor with; valid until controller_destroy. */
struct execution_sink controller_sink(struct controller *controller);
/* Takes the executor (still destroyed by whoever made it), reconciles, begins the turns on its own thread. */
MUST_USE int controller_start(struct controller *controller, struct executor *executor, struct err *err);

/* For who owns time and order, such as a simulation: like controller_start, but without a thread. The caller is the
 * controller's thread from here on and makes each turn itself; it is also the one that stops it. */
MUST_USE int controller_attach(struct controller *controller, struct executor *executor, struct err *err);
/* One turn over what has arrived; never waits. *ret_wait_ns: how long the next may wait if nothing arrives. A failure is
 * final, and what was decided in this turn is neither answered nor done. */
MUST_USE int controller_turn(struct controller *controller, int64_t *ret_wait_ns, struct err *err);

/* What the wait of the last turn is made of, for who has a clock that nobody sets and nothing drives. */
struct controller_waits {
    int64_t job_ns;  /* by the clock of jobs: until something of a job is due; 0: there is mail */
    int64_t real_ns; /* until the store or a caller wants a turn */
};
void controller_waits(const struct controller *controller, struct controller_waits *ret_waits);
/* Waits for mail, for something to read at fd (-1: none), or so long by the system's clock. */
void controller_wait(struct controller *controller, int64_t wait_ns, int fd);

/* Hands a command over. ERR_EXHAUSTED when too many wait, ERR_UNAVAILABLE when stopping: then the command is still the caller's. */
MUST_USE int controller_submit(struct controller *controller, struct command *command, struct err *err);

/* Nobody wants the answer of this WAIT any more: done is called soon, if it has not been yet. The command must live until
 * then and until this returns. Any thread. */
void controller_abandon(struct controller *controller, struct command *command);
/* From now on nobody waits for an operation: waits under way end UNAVAILABLE, and so does each that would begin. Any
 * thread. */
void controller_end_waits(struct controller *controller);

/* Refuses new commands, answers all taken, ends the thread. Replicas go on running. Waits end as above. */
void controller_stop(struct controller *controller);
void controller_destroy(struct controller *controller);

C_DECLS_END

#endif /* JOB_CONTROLLER_H_ */
