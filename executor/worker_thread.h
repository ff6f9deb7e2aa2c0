/* worker_thread: how executors start a thread of their own and count its waits.
 *
 * Used by   process_thread.c, job_remover.c, executor_simulate.c.
 * Shape     the thread takes no signal: those are the server's. Waits are counted by the system's monotonic clock,
 *           whatever clock stamps the events.
 * Thread    any.
 */
#ifndef EXECUTOR_WORKER_THREAD_H_
#define EXECUTOR_WORKER_THREAD_H_

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

/* name: as shown by ps -L, at most 15 characters. */
MUST_USE int worker_thread_start(const char *name, void *(*run)(void *context), void *context, pthread_t *ret_thread,
                                 struct err *err);

int64_t worker_now_mono_ns(void);
/* A condition whose timed waits are by that clock. */
void worker_cond_init(pthread_cond_t *cond);
/* Waits for a signal, at most until then; INT64_MAX for ever. */
void worker_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_mono_ns);

C_DECLS_END

#endif /* EXECUTOR_WORKER_THREAD_H_ */
