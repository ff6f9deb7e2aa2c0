#include "base/virtual_clock.h"

#include <stddef.h>

#define NS_PER_US 1000
/* Where monotonic time begins: 0 means "none" in many a place. */
#define MONO_START_NS CLOCK_NS_PER_S

static int64_t passed(const struct virtual_clock *clock)
{
    return __atomic_load_n(&clock->passed_ns, __ATOMIC_RELAXED);
}

static int64_t wall_unix_ns(const struct clock *base)
{
    const struct virtual_clock *clock = (const struct virtual_clock *)base;

    return clock->start_unix_ns + passed(clock);
}

static int64_t mono_ns(const struct clock *base)
{
    return MONO_START_NS + passed((const struct virtual_clock *)base);
}

static int64_t calendar_wall_unix_ns(const struct clock *base)
{
    const char *start = (const char *)base - offsetof(struct virtual_clock, calendar);

    return wall_unix_ns((const struct clock *)start);
}

static int64_t calendar_mono_ns(const struct clock *base)
{
    (void)base;
    return clock_mono_ns(clock_system());
}

void virtual_clock_init(struct virtual_clock *clock, int64_t start_unix_ns)
{
    *clock = (struct virtual_clock){.clock = {wall_unix_ns, mono_ns},
                                    .calendar = {calendar_wall_unix_ns, calendar_mono_ns},
                                    .start_unix_ns = start_unix_ns - start_unix_ns % NS_PER_US};
}

void virtual_clock_move(struct virtual_clock *clock, int64_t ns)
{
    int64_t part = ns % NS_PER_US;

    (void)__atomic_add_fetch(&clock->passed_ns, part > 0 ? ns + NS_PER_US - part : ns, __ATOMIC_RELAXED);
}
