/* clock: the two clocks behind a vtable, so that a test can own time.
 *
 * Units     nanoseconds. wall: since 1970 UTC, may jump; stored times are wall times.
 *           mono: since some start, never goes back; waits are counted in it.
 * Thread    any.      Blocks    never.
 */
#ifndef BASE_CLOCK_H_
#define BASE_CLOCK_H_

#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct clock {
    int64_t (*wall_unix_ns)(const struct clock *clock);
    int64_t (*mono_ns)(const struct clock *clock);
};

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S INT64_C(1000000000)

/* The system's clocks; static storage. */
const struct clock *clock_system(void);

static inline int64_t clock_wall_unix_ns(const struct clock *clock)
{
    return clock->wall_unix_ns(clock);
}

static inline int64_t clock_mono_ns(const struct clock *clock)
{
    return clock->mono_ns(clock);
}

C_DECLS_END

#endif /* BASE_CLOCK_H_ */
