/* timers: a heap of points in time, each part of the thing it belongs to.
 *
 * Used by   controller files: one heap of wall times (limits of jobs), one of monotonic times (waits).
 * Units     ns of whichever clock the owner counts in.
 * Owns      the heap's array, never a timer. A timer that is set must be cleared before it dies.
 * Thread    the owner's.
 */
#ifndef JOB_TIMERS_H_
#define JOB_TIMERS_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

/* All zero: not set. */
struct timer {
    int64_t due_ns;
    size_t place; /* in the heap, from 1; 0: not set */
};

/* All zero: empty. */
struct timers {
    struct timer **heap;
    size_t count;
    size_t capacity;
};

void timers_deinit(struct timers *timers);

/* Sets the timer, or moves it. ERR_EXHAUSTED: memory. */
MUST_USE int timers_set(struct timers *timers, struct timer *timer, int64_t due_ns, struct err *err);
/* Fine when it is not set. */
void timers_clear(struct timers *timers, struct timer *timer);
/* Takes out the first one due at now_ns, or NULL. */
struct timer *timers_take_due(struct timers *timers, int64_t now_ns);
/* When the first is due; INT64_MAX when there is none. */
int64_t timers_next_ns(const struct timers *timers);

C_DECLS_END

#endif /* JOB_TIMERS_H_ */
