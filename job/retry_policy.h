/* retry_policy: what is started again after a replica has failed, how often, and how long that waits.
 *
 * Used by   job_retry.c, decide_event.c, job_plan.c (the rules of a job), tests.
 * Shape     an end is of one kind of failure, and a kind has two numbers: how often the replica alone is started again
 *           within one attempt of the job, and how often, after that, the whole job. docs/execution.md has the table.
 * Thread    any; pure.
 * Source    the service's documentation on worker failures; scheduling in
 *           custom_job.proto.
 */
#ifndef JOB_RETRY_POLICY_H_
#define JOB_RETRY_POLICY_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "executor/executor.h"

C_DECLS_BEGIN

enum failure {
    FAILURE_PROGRAM, /* it said so itself, by an exit code, a fault of its own, or by not being there to be run */
    FAILURE_MEMORY,  /* it used more than it was given */
    FAILURE_CRASH,   /* abort or segmentation fault, told by signal or by exit code */
    FAILURE_KILLED,  /* a signal that comes from outside, and not from here */
    FAILURE_HOST     /* this host or server: it could not be started, or nobody knows how it ended */
};
#define FAILURE_COUNT 5

enum retry { RETRY_NOTHING, RETRY_REPLICA, RETRY_JOB };

/* What scheduling says. */
struct retry_rules {
    bool disable_retries;
    bool restart_job_on_worker_restart;
};

/* The longest wait before something is started again. */
#define RETRY_DELAY_NS_MAX (60 * CLOCK_NS_PER_S)

/* Of an event that ends a replica, and not with success. */
enum failure failure_of(const struct execution_event *event);
/* restart: of the replica that failed, from 0. job_attempt: from 1. */
enum retry retry_decide(const struct retry_rules *rules, enum failure failure, uint32_t restart, uint32_t job_attempt);
/* How often at most, 0 for never: a replica within one attempt of the job; the job. */
uint32_t retry_restarts_max(enum failure failure);
uint32_t retry_job_retries_max(enum failure failure);
/* Before the first retry none, before the second a second, then twice as long each time. number: from 1. */
int64_t retry_delay_ns(uint32_t number);

C_DECLS_END

#endif /* JOB_RETRY_POLICY_H_ */
