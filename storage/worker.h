/* worker: one background thread that runs posted jobs one after the other.
 *
 * Used by   reclaim, wal_spare, store_snapshot.
 * Shape     intrusive: put a struct worker_job into your job, first member. Run in the order of posting.
 * Owns      no job: run may free it. Bounded by its users: each posts a bounded number at a time.
 * Thread    worker_post from any; create and destroy from one.
 * Blocks    worker_destroy until every posted job has run.
 */
#ifndef STORAGE_WORKER_H_
#define STORAGE_WORKER_H_

#include "base/err.h"

C_DECLS_BEGIN

struct worker_job {
    struct worker_job *next; /* the worker's while posted */
    void (*run)(struct worker_job *job);
};

struct worker;

/* name: as shown by ps, at most 15 characters. */
MUST_USE int worker_create(const char *name, struct worker **ret_worker, struct err *err);
/* NULL is allowed. */
void worker_destroy(struct worker *worker);
void worker_post(struct worker *worker, struct worker_job *job);

C_DECLS_END

#endif /* STORAGE_WORKER_H_ */
