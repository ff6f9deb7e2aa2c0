/* retention: which ended jobs and done operations are to go by age or by number, the oldest first.
 *
 * Used by   decide_expired.c, which asks every turn and does the rest.
 * Shape     a heap by end for each of the two tables: nothing is searched for. A row that somebody else has deleted stays
 *           in its heap until it is met: at its turn, or by a look at a few places with each change while more than half
 *           of the heap is such rows. So memory follows the rows there are: 16 bytes each, none without a limit.
 * Owns      the heaps; the rows are the store's, and it is asked by is_gone whether they are there.
 * Thread    the controller's.      Units     wall time.
 * Errors    ERR_EXHAUSTED: memory.
 */
#ifndef JOB_RETENTION_H_
#define JOB_RETENTION_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "storage/store.h"

C_DECLS_BEGIN

struct retention_options {
    int64_t age_ns;     /* 0: rows of any age may stay */
    uint64_t count_max; /* of each table; 0: any number */
    /* True when the row is no more, or is about to go. */
    bool (*is_gone)(void *context, enum store_table table, uint64_t id);
    void *context;
};

struct retention;

MUST_USE int retention_create(const struct retention_options *options, struct retention **ret_retention,
                              struct err *err);
/* NULL is allowed. */
void retention_destroy(struct retention *retention);
/* False: there is no limit, and none of the functions below does anything. */
bool retention_is_on(const struct retention *retention);

/* table: JOB or OPERATION. The row has ended then and is published. */
MUST_USE int retention_add(struct retention *retention, enum store_table table, uint64_t id, int64_t end_unix_ns,
                           struct err *err);
/* An ended row was deleted by somebody else. */
void retention_note_deleted(struct retention *retention, enum store_table table);
/* The next row that is to go, which the caller then deletes; 0: none. */
uint64_t retention_take(struct retention *retention, enum store_table table, int64_t now_unix_ns);
/* When there is one to take; INT64_MAX: not as things are. */
int64_t retention_next_ns(const struct retention *retention, enum store_table table);

/* Rows remembered, for tests. */
uint64_t retention_remembered(const struct retention *retention, enum store_table table);

C_DECLS_END

#endif /* JOB_RETENTION_H_ */
