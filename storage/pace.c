#include "storage/pace.h"

#include <time.h>

#include "base/clock.h"

/* A stream that was held up elsewhere does not come back as a flood. */
#define CREDIT_NS (10 * CLOCK_NS_PER_MS)

void pace_spend(struct pace *pace, uint64_t bytes)
{
    int64_t now;
    int64_t ahead;
    struct timespec pause;

    if (pace->bytes_per_s == 0) {
        return;
    }
    now = clock_mono_ns(clock_system());
    if (pace->due_mono_ns < now - CREDIT_NS) {
        pace->due_mono_ns = now - CREDIT_NS;
    }
    pace->due_mono_ns += (int64_t)(bytes * (uint64_t)CLOCK_NS_PER_MS / (pace->bytes_per_s / 1000));
    ahead = pace->due_mono_ns - now;
    if (ahead > 0) {
        pause =
            (struct timespec){.tv_sec = (time_t)(ahead / CLOCK_NS_PER_S), .tv_nsec = (long)(ahead % CLOCK_NS_PER_S)};
        (void)nanosleep(&pause, NULL); /* cut short by a signal it is only a little fast */
    }
}
