#include "server/main_signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* Ours alone: ends the watch. */
#define SIGNAL_END SIGUSR2

struct main_signals_watch {
    pthread_t thread;
    void (*hurry)(void *context);
    void *context;
};

static sigset_t stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void main_signals_block(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set = stop_signals();

    pthread_setname_np(pthread_self(), "signals");
    sigaddset(&set, SIGNAL_END);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static int wait_for(const sigset_t *set)
{
    int number = 0;

    while (sigwait(set, &number) != 0) {
    }
    return number;
}

const char *main_signals_wait(void)
{
    sigset_t set = stop_signals();

    switch (wait_for(&set)) {
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "SIGINT";
    default:
        return "SIGHUP";
    }
}

static void *run_watch(void *context)
{
    struct main_signals_watch *watch = context;
    sigset_t set = stop_signals();

    sigaddset(&set, SIGNAL_END);
    while (wait_for(&set) != SIGNAL_END) {
        watch->hurry(watch->context);
    }
    return NULL;
}

struct main_signals_watch *main_signals_watch(void (*hurry)(void *context), void *context)
{
    struct main_signals_watch *watch = malloc(sizeof *watch);

    if (watch) {
        watch->hurry = hurry;
        watch->context = context;
        if (pthread_create(&watch->thread, NULL, run_watch, watch) != 0) {
            free(watch);
            watch = NULL; /* then the grace is as long as it was said to be */
        }
    }
    return watch;
}

void main_signals_watch_end(struct main_signals_watch *watch)
{
    if (watch) {
        pthread_kill(watch->thread, SIGNAL_END);
        pthread_join(watch->thread, NULL);
        free(watch);
    }
}
