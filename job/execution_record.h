/* execution_record: what the controller knows of a job and no client sees, as a struct and as stored bytes.
 *
 * Used by   controller files.
 * Shape     customjobd.store.v1.JobExecution, under the job's id. It stands from Create until the job has ended, and
 *           again while the files of a deleted job are being removed: what is in the table at a start is what
 *           reconcile has to look after.
 * Units     times in ns since 1970; 0: not set.
 * Owns      replicas and texts are malloc'd and the struct's own.
 * Errors    ERR_CORRUPT when bytes do not decode, ERR_EXHAUSTED when memory is gone.
 */
#ifndef JOB_EXECUTION_RECORD_H_
#define JOB_EXECUTION_RECORD_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "executor/executor.h"
#include "job/api.h"

C_DECLS_BEGIN

/* The numbers of ReplicaExecution.Phase; a test compares them. */
enum replica_phase {
    REPLICA_PLANNED = 1,
    REPLICA_STARTING = 2,
    REPLICA_RUNNING = 3,
    REPLICA_STOPPING = 4,
    REPLICA_EXITED = 5,
    REPLICA_LOST = 6,
    REPLICA_START_FAILED = 7
};

struct replica {
    uint32_t pool_index;
    uint32_t replica_index;
    uint32_t restart;
    enum replica_phase phase;
    char host[64];
    uint16_t port;
    int64_t pid;
    int exit_code;
    int term_signal;
    bool oom_killed;
    bool adopting; /* asked the executor after it and not yet told; not stored */
    int64_t start_time_unix_ns;
    int64_t end_time_unix_ns;
    char *devices; /* of the host, held: "GPU-…,GPU-…"; malloc'd; NULL or "": none */
    uint64_t cpus_milli;
    uint64_t memory_bytes;
    int64_t start_due_mono_ns; /* PLANNED: when it is to be started; not stored: after a restart that is at once */
};

/* How the job will end once its replicas have stopped. */
struct job_end {
    uint32_t state; /* a final JobState; 0: open */
    int32_t error_code;
    char *error_message; /* NULL: none */
};

struct execution {
    uint64_t job_id;
    uint32_t job_attempt;
    enum api_version version;
    bool cancel_requested;
    int64_t cancel_time_unix_ns;
    int64_t timeout_deadline_unix_ns;
    int64_t wait_deadline_unix_ns;
    int64_t queue_time_unix_ns;
    uint64_t cancel_operation_id;
    bool deleting;
    uint64_t delete_operation_id;
    char *kms_key_name; /* the record is sealed with it; NULL: none */
    struct job_end end;
    int64_t retry_time_unix_ns; /* not 0: another job attempt follows once all has stopped */
    struct replica *replicas;   /* none while QUEUED */
    uint32_t replica_count;
};

static inline bool replica_has_ended(const struct replica *replica)
{
    return replica->phase >= REPLICA_EXITED;
}

void execution_deinit(struct execution *execution);
/* Forgets its replicas alone. */
void execution_drop_replicas(struct execution *execution);
/* The bytes live as long as the arena. */
MUST_USE int execution_encode(const struct execution *execution, upb_Arena *arena, struct span *ret_bytes,
                              struct err *err);
MUST_USE int execution_decode(struct span bytes, struct execution *ret_execution, struct err *err);
struct execution_key execution_replica_key(const struct execution *execution, const struct replica *replica);

C_DECLS_END

#endif /* JOB_EXECUTION_RECORD_H_ */
