/* virtual_clock: time that stands still until its owner moves it.
 *
 * Used by   job/simulation.c moves it; main_serve.c makes it; whoever reads a struct clock reads it.
 * Shape     wall and monotonic time go on together, in whole microseconds: what is due at a time the API can tell is due
 *           when the clock says so, and not a fraction later.
 * Units     ns.
 * Thread    one moves it, any reads it.      Blocks    never.
 */
#ifndef BASE_VIRTUAL_CLOCK_H_
#define BASE_VIRTUAL_CLOCK_H_

#include "base/clock.h"

C_DECLS_BEGIN

struct virtual_clock {
    struct clock clock; /* first: both times are virtual */
    struct clock
        calendar; /* the wall time is virtual, the monotonic one the system's: for what waits for a real disk */
    int64_t start_unix_ns;
    int64_t passed_ns; /* by __atomic */
};

/* The last moment a virtual clock may show: the end of the year 2199. */
#define VIRTUAL_CLOCK_UNIX_NS_MAX INT64_C(7258118399999999000)

/* start_unix_ns is cut to whole microseconds. */
void virtual_clock_init(struct virtual_clock *clock, int64_t start_unix_ns);
/* Goes on by so much, or by the part of a microsecond more that makes it whole. The caller keeps to the last moment. */
void virtual_clock_move(struct virtual_clock *clock, int64_t ns);

C_DECLS_END

#endif /* BASE_VIRTUAL_CLOCK_H_ */
