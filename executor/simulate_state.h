/* simulate_state: a simulating executor from within: what it holds of each replica, and what comes next of it.
 *
 * Used by   executor_simulate.c (commands, life), simulate_replica.c (what happens to a replica).
 * Thread    under the executor's mutex, but while an event is told.
 */
#ifndef EXECUTOR_SIMULATE_STATE_H_
#define EXECUTOR_SIMULATE_STATE_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "executor/executor_simulate.h"
#include "executor/memory_log.h"
#include "executor/simulate_heap.h"

C_DECLS_BEGIN

enum simulate_request { SIMULATE_REQUEST_START, SIMULATE_REQUEST_ADOPT, SIMULATE_REQUEST_REMOVE };

enum simulate_phase { SIMULATE_PHASE_ASKED, SIMULATE_PHASE_STARTING, SIMULATE_PHASE_RUNNING };

/* A request, and of a START the replica that comes of it. */
struct simulated {
    struct execution_key key; /* first: replicas are found by it */
    enum simulate_request kind;
    enum simulate_phase phase;
    struct simulated *next; /* in the list of requests */
    struct simulate_fate fate;
    struct simulate_heap_entry due; /* but for ASKED in the heap: its next line, or its end */
    int64_t start_mono_ns;          /* may lie before the server's own */
    int64_t start_unix_ns;          /* not 0 when it is asked for: it ran already, from then on */
    int64_t end_mono_ns;            /* RUNNING; from when it is stopped, at the latest then */
    int64_t printed_ns;             /* lines up to then are printed; from its start */
    int stop_signal;                /* that ends it, if nothing else does before; 0: it is not being stopped */
};

struct executor_simulate {
    struct executor executor; /* first */
    struct execution_sink sink;
    struct executor_simulate_options options;
    struct memory_log *log;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool quits;
    size_t count; /* requests and replicas */
    struct simulated *first, **last_next;
    void *replicas;            /* tree of search.h, by key */
    struct simulate_heap heap; /* has room for all of them */
};

static inline struct simulated *simulated_of(struct simulate_heap_entry *due)
{
    return (struct simulated *)((char *)due - offsetof(struct simulated, due));
}

static inline int64_t simulate_now_mono_ns(const struct executor_simulate *self)
{
    return clock_mono_ns(self->options.clock);
}

/* Does the next thing that is asked for or due; false: there is none. */
bool simulate_take_next(struct executor_simulate *self);
/* From now on it ends by the stop, unless it does so before by itself. For one that is not being stopped yet. */
void simulate_stop(struct executor_simulate *self, struct simulated *replica, int64_t grace_ns);

C_DECLS_END

#endif /* EXECUTOR_SIMULATE_STATE_H_ */
