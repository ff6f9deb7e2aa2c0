/* clock: now, in nanoseconds. */
#ifndef SUPERVISOR_CLOCK_H_
#define SUPERVISOR_CLOCK_H_

#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif /* SUPERVISOR_CLOCK_H_ */
