#include "base/thread_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t current_thread(void)
{
    static _Thread_local uint64_t cached;

    if (cached == 0) {
        cached = (uint64_t)gettid();
    }
    return cached;
}

void thread_check_bind(struct thread_check *check, const char *owner)
{
    check->owner = owner;
    check->thread = current_thread();
}

void thread_check_assert(const struct thread_check *check, const char *function)
{
    if (check->owner && check->thread != current_thread()) {
        fprintf(stderr, "%s was called on thread %llu, but its data belong to thread %llu, the %s\n", function,
                (unsigned long long)current_thread(), (unsigned long long)check->thread, check->owner);
        abort();
    }
}
