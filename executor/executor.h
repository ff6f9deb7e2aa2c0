/* executor: what really runs the replicas, behind one vtable.
 *
 * Used by   job/ (commands and events), server/main.c (wiring). One file per back end.
 * Shape     a replica attempt is one execution, named for ever by its key
 *           `<job_id>-<job_attempt>-workerpoolI-J-<restart>`. Commands return at once; what came of them arrives
 *           as events through the sink, each with its key. A command may be repeated: it is idempotent by key.
 * Order     of one execution: (STARTED | START_FAILED | NOT_LAUNCHED), then after STARTED exactly one of EXITED, LOST. LOST
 *           comes alone where it was launched and nobody knows whether its program ever ran. No event of an
 *           execution comes before executor_start or executor_adopt was called for it.
 * Owns      attempt directories, logs, ports and the threads it needs. Specs are copied on start.
 * Thread    commands: one thread (the controller). The sink is called on the executor's own thread; it only
 *           pushes into a mailbox. Blocks  never, but executor_create and executor_destroy.
 * Errors    a command refuses only what can never work (ERR_INVALID, ERR_EXHAUSTED); all else is an event.
 * Promise   at most one live attempt per key; exactly one launch per key, across crashes of the server.
 * Source    docs/execution.md; docs/ARCHITECTURE.md
 */
#ifndef EXECUTOR_EXECUTOR_H_
#define EXECUTOR_EXECUTOR_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* 20 digits, two numbers, "workerpool", separators and NUL. */
#define EXECUTION_KEY_BYTES 96

struct execution_key {
    uint64_t job_id;
    uint32_t job_attempt; /* from 1 */
    uint32_t pool_index;
    uint32_t replica_index; /* within its pool */
    uint32_t restart;       /* from 0 */
};

/* Writes the key's text, NUL terminated. */
void execution_key_format(const struct execution_key *key, char text[EXECUTION_KEY_BYTES]);
MUST_USE int execution_key_parse(struct span text, struct execution_key *ret_key, struct err *err);
/* Below, at or above 0, by job, attempt, pool, replica, restart; its arguments are keys, for search.h and qsort. */
int execution_key_compare(const void *left, const void *right);

struct env_entry {
    const char *name;
    const char *value;
};

/* What a replica may use; 0: as much as there is. */
struct task_limits {
    uint64_t cpus_milli;
    uint64_t memory_bytes;
    uint64_t pids;
    const char *devices; /* of host_inventory.h, with commas between them; "": none at all; NULL: whatever there is */
};

/* A directory of the host that the replica sees at a place of its own. */
struct task_mount {
    const char *source; /* absolute, without colon and line break, as target */
    const char *target; /* below /mnt/nfs or /mnt/lustre */
};

/* One replica to run: final argv and environment, nothing left to expand. */
struct task {
    struct execution_key key;
    const char *const *argv;     /* NULL terminated; argv[0] looked up in PATH of env */
    const struct env_entry *env; /* complete but for what the executor alone knows (HOME, PWD, PATH, /gcs) */
    size_t env_count;
    const char *image_uri; /* named only, on the host; NULL when none */
    /* argv holds the args alone: the image's ENTRYPOINT comes before them, and its CMD in their place when there are none. */
    bool args_only;
    /* python_package_spec: not NULL when the executor must prepare an own environment first, then run
     * `python -m python_module args…`; argv then holds the args alone. */
    const char *python_module;
    const char *const *package_uris; /* NULL terminated */
    struct task_limits limits;
    const struct task_mount *mounts;
    size_t mount_count;
    /* Of an attempt that was not launched after all, as adopt has told: since when it was taken to run; 0: never. A
     * simulation goes on from there. */
    int64_t start_time_unix_ns;
    /* What a simulation tells jobs apart by; a copy of the task has none of it. */
    const char *display_name;       /* NULL: "" */
    const struct env_entry *labels; /* the job's */
    size_t label_count;
};

enum execution_event_kind {
    EXECUTION_EVENT_STARTED,      /* the replica's own program runs */
    EXECUTION_EVENT_START_FAILED, /* it could not be launched, final; message tells why */
    EXECUTION_EVENT_EXITED,       /* ended; exit_code or term_signal */
    EXECUTION_EVENT_LOST,         /* it was launched and its end cannot be known; nothing of it runs any more */
    EXECUTION_EVENT_NOT_LAUNCHED, /* answer to adopt only: it never was launched, starting it is safe */
    EXECUTION_EVENT_REMOVED,      /* answer to remove: the job's files are gone (key.job_id alone counts) */
    EXECUTION_EVENT_REMOVE_DELAYED /* they cannot go now, message tells why; it is tried on. Told after seconds, then seldom */
};

struct execution_event {
    enum execution_event_kind kind;
    struct execution_key key;
    int64_t time_unix_ns; /* when it happened, by the witness's clock */
    int64_t pid;          /* STARTED; 0 where there is none */
    int exit_code;        /* EXITED: 0..255, -1 when ended by a signal */
    int term_signal;      /* EXITED: signal number, 0 when it exited */
    bool oom_killed;
    /* EXITED: of the main process and all it has waited for; 0: not known. */
    int64_t cpu_time_us;
    uint64_t peak_memory_bytes; /* of the largest of its processes */
    bool is_host_fault;         /* START_FAILED: this host is the reason, not what was asked for */
    const char *message;        /* a sentence, or ""; valid during the call */
    struct span stderr_tail;    /* EXITED: last lines, at most LIMIT_ERROR_TAIL_BYTES; valid during the call */
};

struct execution_sink {
    void *context;
    /* Any executor thread. Must copy what it keeps and return at once. */
    void (*event)(void *context, const struct execution_event *event);
};

/* Where a log line came from. */
enum log_stream { LOG_STREAM_STDOUT = 1, LOG_STREAM_STDERR = 2, LOG_STREAM_SERVICE = 3 };

struct log_line {
    enum log_stream stream;
    char replica[32]; /* "workerpool0-0"; "" for the service */
    int64_t time_unix_ns;
    struct span text;       /* without its newline; valid during the call */
    bool partial;           /* the line goes on in the next one of the same stream */
    uint64_t dropped_bytes; /* not 0: this line stands for so many bytes that were not kept */
    /* Its place among all lines of the job, for as long as they are kept: by time, in which none is before the one that
     * precedes it in its file, then by place, the first number first. A cursor that was just opened gives them so. */
    int64_t order_unix_ns;
    uint64_t place[2];
};

typedef bool (*log_line_fn)(void *context, const struct log_line *line); /* false: stop here; the line counts as read */

/* Reads the logs of one job, merged by time, from files that may still grow. One thread; may block on the disk. */
struct log_cursor;

struct executor {
    const struct executor_ops *ops;
};

struct executor_ops {
    const char *name; /* "process", "simulate", … */

    /* What it says to a container_spec without a command: NULL if it can run one (the image knows its entrypoint),
     * else a sentence that tells which executor can. */
    const char *needs_command;

    /* Host and port under which the other replicas of the job reach this one. The pair is the job's until
     * release_addresses; ERR_EXHAUSTED when none is left now, ERR_INVALID when the job itself has them all. Writes host, at most host_bytes with NUL. */
    int (*assign_address)(struct executor *executor, const struct execution_key *key, char *host, size_t host_bytes,
                          uint16_t *ret_port, struct err *err);
    /* After a restart: the pair given before is still this job's. */
    void (*claim_address)(struct executor *executor, const struct execution_key *key, const char *host, uint16_t port);
    void (*release_addresses)(struct executor *executor, uint64_t job_id);

    /* Launches, once. The intent must be durable before. */
    int (*start)(struct executor *executor, const struct task *task, struct err *err);
    /* After a restart: tells by events what became of this execution, and takes it over when it lives. */
    int (*adopt)(struct executor *executor, const struct execution_key *key, struct err *err);
    /* SIGTERM to the main process, after grace_ms SIGKILL to the whole tree. EXITED follows. Unknown keys are fine. */
    void (*stop)(struct executor *executor, const struct execution_key *key, int64_t grace_ms);
    /* Removes everything kept of a job whose executions have all ended: REMOVED follows. */
    int (*remove)(struct executor *executor, uint64_t job_id, struct err *err);
    /* True when remove would find something; may look at the disk, briefly. */
    bool (*has_files)(struct executor *executor, uint64_t job_id);

    /* One line into the job's service log (what a Vertex user sees as task "service"). */
    void (*service_log)(struct executor *executor, uint64_t job_id, const char *line);

    /* The job's files are to be sealed with the key of that name, each attempt's when it has ended. After a restart asked
     * for again for every job that lives. */
    void (*seal_begin)(struct executor *executor, uint64_t job_id, const char *key_name);
    /* The job has ended, and with it what is left of its files. job_id 0: every job that seal_begin was not asked for. */
    void (*seal_end)(struct executor *executor, uint64_t job_id);

    /* Logs; thread: any one per cursor, not only the controller. */
    int (*log_open)(struct executor *executor, uint64_t job_id, const char *replica, struct log_cursor **ret_cursor,
                    struct err *err); /* replica "" is all and the service */
    int (*log_read)(struct log_cursor *cursor, log_line_fn line, void *context, struct err *err); /* up to now */
    void (*log_close)(struct log_cursor *cursor);

    /* Ends its threads. Replicas live on; no event comes after it returned. */
    void (*destroy)(struct executor *executor);
};

C_DECLS_END

#endif /* EXECUTOR_EXECUTOR_H_ */
