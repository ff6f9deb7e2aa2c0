#include "executor/worker_thread.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"

int worker_thread_start(const char *name, void *(*run)(void *context), void *context, pthread_t *ret_thread,
                        struct err *err)
{
    sigset_t all, before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(ret_thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        return err_set_errno(err, result, "cannot start the executor's thread %s", name);
    }
    pthread_setname_np(*ret_thread, name);
    return 0;
}

int64_t worker_now_mono_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

void worker_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void worker_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_mono_ns)
{
    struct timespec until = {.tv_sec = until_mono_ns / CLOCK_NS_PER_S, .tv_nsec = until_mono_ns % CLOCK_NS_PER_S};

    if (until_mono_ns == INT64_MAX) {
        (void)pthread_cond_wait(cond, mutex);
    } else {
        (void)pthread_cond_timedwait(cond, mutex, &until);
    }
}
