/* capacity: what of this host jobs hold, and which devices each replica has.
 *
 * Used by   controller files: admit.c takes, job_life.c gives back, reconcile.c claims what the records tell.
 * Shape     what is held stands in the execution's replicas, and with them in the record that is durable before anything
 *           starts: after a crash the same devices are claimed for the same replicas, and nobody else gets them.
 * Owns      its counts. Rules are borrowed.
 * Thread    the controller's.      Blocks    never.
 * Errors    ERR_EXHAUSTED when memory is gone.
 */
#ifndef JOB_CAPACITY_H_
#define JOB_CAPACITY_H_

#include "base/err.h"
#include "job/capacity_rules.h"
#include "job/execution_record.h"
#include "job/resources.h"

C_DECLS_BEGIN

struct capacity;

/* rules NULL: places alone are counted. */
MUST_USE int capacity_create(const struct capacity_rules *rules, uint32_t replicas_max, struct capacity **ret_capacity,
                             struct err *err);
/* NULL is allowed. */
void capacity_destroy(struct capacity *capacity);

/* What nobody holds; nothing where more is held than there is. */
struct resources capacity_free(const struct capacity *capacity);
struct resources capacity_total(const struct capacity *capacity);

/* Takes what resources_place has found a place for, pool by pool, and notes it in the execution's replicas, which hold
 * nothing yet. On failure nothing is taken. */
MUST_USE int capacity_take(struct capacity *capacity, const struct job_ask *ask, struct execution *execution,
                           struct err *err);
/* Counts what the execution's replicas hold. A device that is not there any more is not counted. */
void capacity_claim(struct capacity *capacity, const struct execution *execution);
/* Gives it back; the replicas keep their notes. */
void capacity_release(struct capacity *capacity, const struct execution *execution);

C_DECLS_END

#endif /* JOB_CAPACITY_H_ */
