/* job_table: the jobs that live: not ended yet, or deleted with files still to remove. Found by id.
 *
 * Used by   controller files. Of a job that has ended nothing is kept but what the store holds.
 * Owns      its jobs and everything below them.
 * Thread    the controller's.
 */
#ifndef JOB_JOB_TABLE_H_
#define JOB_JOB_TABLE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/err.h"
#include "base/span.h"
#include "job/execution_record.h"
#include "job/job_error.h"
#include "job/job_plan.h"
#include "job/job_state.h"
#include "job/operations.h"
#include "job/resources.h"
#include "job/retry_policy.h"
#include "job/timers.h"

C_DECLS_BEGIN

struct job {
    struct timer timer;   /* first; wall clock: the end of the wait for resources, or of the run */
    struct timer backoff; /* monotonic: when a replica that waits for its start is due */
    uint64_t id;
    char *name;
    struct job *next_in_bucket;
    struct job *queue_next; /* while QUEUED */
    struct job *queue_previous;
    struct job *holder_next; /* while it holds resources */
    struct job *holder_previous;
    struct job *next_touched; /* within one turn */

    enum job_state state;
    int64_t create_time_unix_ns;
    int64_t start_time_unix_ns;
    int64_t end_time_unix_ns;
    int64_t update_time_unix_ns;
    struct job_error error;

    int64_t timeout_ns;
    int64_t wait_max_ns;
    uint32_t replica_count;
    struct job_ask ask; /* of the host; its pools are malloc'd */
    uint64_t kind;      /* jobs of one kind take about as long: schedule.h */
    uint64_t owner;     /* who shares with whom; 0: nobody's */
    struct retry_rules retry_rules;
    struct execution execution;
    struct operation *cancel_operation;
    struct operation *delete_operation;

    struct blob *new_image; /* of a job made in this turn: the store does not give it back yet */
    struct job_plan *plan;  /* from the decision to start until the end of its turn */

    bool touched;         /* linked by next_touched */
    bool image_changed;   /* the CustomJob, and with it the record, is to be written */
    bool record_stored;   /* table EXECUTION has a row */
    bool operation_open;  /* the cancel operation is not written as done yet */
    bool holds_resources; /* counted in the capacity */
    bool space_told;      /* its service log says that it waits for room on the disk */
    bool gone;            /* to be forgotten at the end of the turn */
};

struct job_table;

MUST_USE int job_table_create(struct job_table **ret_table, struct err *err);
void job_table_destroy(struct job_table *table);

/* A new job in the table, all zero but for id and name. NULL: memory. */
MUST_USE struct job *job_table_add(struct job_table *table, uint64_t id, struct span name);
struct job *job_table_find(const struct job_table *table, uint64_t id);
/* The same, if its name is this one. */
struct job *job_table_find_name(const struct job_table *table, struct span name);
/* Forgets and frees it; its timer must not be set. */
void job_table_remove(struct job_table *table, struct job *job);
size_t job_table_count(const struct job_table *table);

typedef int (*job_visit_fn)(void *context, struct job *job, struct err *err);
/* Every job, in no order; stops at the first failure and returns it. visit must not add or remove. */
MUST_USE int job_table_visit(const struct job_table *table, job_visit_fn visit, void *context, struct err *err);

C_DECLS_END

#endif /* JOB_JOB_TABLE_H_ */
