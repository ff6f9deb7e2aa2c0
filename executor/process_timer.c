#include "executor/process_timer.h"

#include <stddef.h>

#include "base/clock.h"
#include "executor/worker_thread.h"

void process_timer_init(struct process_timer *timer)
{
    *timer = (struct process_timer){.backoff_ms = PROCESS_BACKOFF_MS_FIRST};
}

void process_timer_set(struct process_timers *timers, struct process_timer *timer, int64_t delay_ms)
{
    timer->due_mono_ns = worker_now_mono_ns() + delay_ms * CLOCK_NS_PER_MS;
    if (timer->is_set) {
        return;
    }
    timer->is_set = true;
    timer->previous = NULL;
    timer->next = timers->first;
    if (timers->first) {
        timers->first->previous = timer;
    }
    timers->first = timer;
}

void process_timer_clear(struct process_timers *timers, struct process_timer *timer)
{
    if (!timer->is_set) {
        return;
    }
    timer->is_set = false;
    if (timer->previous) {
        timer->previous->next = timer->next;
    } else {
        timers->first = timer->next;
    }
    if (timer->next) {
        timer->next->previous = timer->previous;
    }
}

void process_timer_back_off(struct process_timers *timers, struct process_timer *timer)
{
    process_timer_set(timers, timer, timer->backoff_ms);
    timer->backoff_ms = timer->backoff_ms * 2 < PROCESS_BACKOFF_MS_MAX ? timer->backoff_ms * 2 : PROCESS_BACKOFF_MS_MAX;
}

void process_timer_reset(struct process_timer *timer)
{
    timer->backoff_ms = PROCESS_BACKOFF_MS_FIRST;
}

bool process_timer_is_slow(const struct process_timer *timer)
{
    return timer->backoff_ms == PROCESS_BACKOFF_MS_MAX;
}

int process_timers_timeout_ms(const struct process_timers *timers)
{
    int64_t earliest = INT64_MAX, left;

    for (const struct process_timer *at = timers->first; at; at = at->next) {
        earliest = at->due_mono_ns < earliest ? at->due_mono_ns : earliest;
    }
    if (earliest == INT64_MAX) {
        return -1;
    }
    left = earliest - worker_now_mono_ns();
    return left <= 0 ? 0 : (int)((left + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}
