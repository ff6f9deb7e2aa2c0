#include "job/timers.h"

#include <stdlib.h>

void timers_deinit(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void sift_up(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;

    while (place > 1 && timers->heap[place / 2 - 1]->due_ns > timer->due_ns) {
        put(timers, place, timers->heap[place / 2 - 1]);
        place /= 2;
    }
    put(timers, place, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;

    while (place * 2 <= timers->count) {
        size_t child = place * 2;

        if (child < timers->count && timers->heap[child]->due_ns < timers->heap[child - 1]->due_ns) {
            child++;
        }
        if (timers->heap[child - 1]->due_ns >= timer->due_ns) {
            break;
        }
        put(timers, place, timers->heap[child - 1]);
        place = child;
    }
    put(timers, place, timer);
}

static int grow(struct timers *timers, struct err *err)
{
    size_t capacity = timers->capacity ? timers->capacity * 2 : 64;
    struct timer **heap = realloc(timers->heap, capacity * sizeof *heap);

    if (!heap) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu timers", capacity);
    }
    timers->heap = heap;
    timers->capacity = capacity;
    return 0;
}

int timers_set(struct timers *timers, struct timer *timer, int64_t due_ns, struct err *err)
{
    if (timer->place == 0) {
        if (timers->count == timers->capacity && grow(timers, err)) {
            return -1;
        }
        put(timers, ++timers->count, timer);
    }
    timer->due_ns = due_ns;
    sift_up(timers, timer);
    sift_down(timers, timer);
    return 0;
}

void timers_clear(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last;

    if (place == 0) {
        return;
    }
    last = timers->heap[--timers->count];
    timer->place = 0;
    if (last != timer) {
        put(timers, place, last);
        sift_up(timers, last);
        sift_down(timers, last);
    }
}

struct timer *timers_take_due(struct timers *timers, int64_t now_ns)
{
    struct timer *first = timers->count > 0 ? timers->heap[0] : NULL;

    if (!first || first->due_ns > now_ns) {
        return NULL;
    }
    timers_clear(timers, first);
    return first;
}

int64_t timers_next_ns(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0]->due_ns : INT64_MAX;
}
