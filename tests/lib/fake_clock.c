#include "tests/lib/fake_clock.h"

static int64_t wall(const struct clock *clock)
{
    return __atomic_load_n(&((const struct fake_clock *)clock)->wall_unix_ns, __ATOMIC_RELAXED);
}

static int64_t mono(const struct clock *clock)
{
    return __atomic_load_n(&((const struct fake_clock *)clock)->mono_ns, __ATOMIC_RELAXED);
}

void fake_clock_init(struct fake_clock *clock)
{
    clock->clock.wall_unix_ns = wall;
    clock->clock.mono_ns = mono;
    clock->wall_unix_ns = INT64_C(1714979289123456789);
    clock->mono_ns = 1000 * CLOCK_NS_PER_S;
}

void fake_clock_advance(struct fake_clock *clock, int64_t ns)
{
    __atomic_add_fetch(&clock->wall_unix_ns, ns, __ATOMIC_RELAXED);
    __atomic_add_fetch(&clock->mono_ns, ns, __ATOMIC_RELAXED);
}
