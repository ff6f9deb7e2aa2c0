/* process_timer: when to look at an attempt again, ever later until something is news.
 *
 * Used by   process_execution.c (sets), process_thread.c (waits).
 * Shape     a list without order: those that wait for a timer are few, all others wait for a descriptor.
 * Thread    the executor's.
 */
#ifndef EXECUTOR_PROCESS_TIMER_H_
#define EXECUTOR_PROCESS_TIMER_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

#define PROCESS_BACKOFF_MS_FIRST 1
#define PROCESS_BACKOFF_MS_MAX 500

struct process_timer {
    struct process_timer *next, *previous;
    bool is_set;
    int64_t due_mono_ns;
    int64_t backoff_ms; /* of the next process_timer_back_off */
};

struct process_timers {
    struct process_timer *first;
};

void process_timer_init(struct process_timer *timer);
void process_timer_set(struct process_timers *timers, struct process_timer *timer, int64_t delay_ms);
void process_timer_clear(struct process_timers *timers, struct process_timer *timer);
/* Sets it, to twice the time of before. */
void process_timer_back_off(struct process_timers *timers, struct process_timer *timer);
/* The next back-off is the first one again. */
void process_timer_reset(struct process_timer *timer);
bool process_timer_is_slow(const struct process_timer *timer);

/* Milliseconds to the next one, rounded up; -1 for none. */
int process_timers_timeout_ms(const struct process_timers *timers);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_TIMER_H_ */
