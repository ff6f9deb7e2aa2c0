#include "storage/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct worker_job *first; /* below: under mutex */
    struct worker_job *last;
    bool ending;
};

static void *worker_main(void *argument)
{
    struct worker *worker = argument;

    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        struct worker_job *job = worker->first;

        if (job) {
            worker->first = job->next;
            pthread_mutex_unlock(&worker->mutex);
            job->run(job);
            pthread_mutex_lock(&worker->mutex);
        } else if (worker->ending) {
            break;
        } else {
            pthread_cond_wait(&worker->wake, &worker->mutex);
        }
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* Signals are the program's business, on its own threads. */
static int start_without_signals(struct worker *worker)
{
    sigset_t all;
    sigset_t before;
    int errno_value;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno_value = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno_value;
}

int worker_create(const char *name, struct worker **ret_worker, struct err *err)
{
    struct worker *worker = calloc(1, sizeof *worker);
    int errno_value;

    if (!worker) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the thread %s", name);
    }
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    errno_value = start_without_signals(worker);
    if (errno_value != 0) {
        pthread_cond_destroy(&worker->wake);
        pthread_mutex_destroy(&worker->mutex);
        free(worker);
        return err_set_errno(err, errno_value, "cannot start the thread %s", name);
    }
    pthread_setname_np(worker->thread, name);
    *ret_worker = worker;
    return 0;
}

void worker_destroy(struct worker *worker)
{
    if (!worker) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->ending = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

void worker_post(struct worker *worker, struct worker_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&worker->mutex);
    if (worker->first) {
        worker->last->next = job;
    } else {
        worker->first = job;
    }
    worker->last = job;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}
