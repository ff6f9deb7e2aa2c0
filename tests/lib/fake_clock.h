/* fake_clock: a clock that stands still until told to go on.
 *
 * Used by   tests.      Thread    any; reading and advancing are atomic.
 */
#ifndef TESTS_LIB_FAKE_CLOCK_H_
#define TESTS_LIB_FAKE_CLOCK_H_

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

C_DECLS_BEGIN

struct fake_clock {
    struct clock clock; /* first */
    int64_t wall_unix_ns;
    int64_t mono_ns;
};

/* 2024-05-06T07:08:09.123456789Z, and a monotonic time of 1000 s. */
void fake_clock_init(struct fake_clock *clock);
/* Both clocks go on by as much. */
void fake_clock_advance(struct fake_clock *clock, int64_t ns);

C_DECLS_END

#endif /* TESTS_LIB_FAKE_CLOCK_H_ */
