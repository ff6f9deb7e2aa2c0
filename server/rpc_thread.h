/* rpc_thread: one call thread: a completion queue, the calls bound to it, and answers that come from elsewhere.
 *
 * Used by   rpc_server.c makes and ends them; rpc_call.c works on them.
 * Shape     what a completion queue returns is a struct rpc_tag: a function and what it is called with. Other threads hand a
 *           call back through a stack that one empty batch wakes for: many answers of one turn cost one wake.
 * Owns      its queue, its idle calls, and those under way.
 * Thread    the loop runs on the thread's own; rpc_thread_hand_back from any.
 */
#ifndef SERVER_RPC_THREAD_H_
#define SERVER_RPC_THREAD_H_

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdbool.h>

#include "server/rpc_server.h"

C_DECLS_BEGIN

struct rpc_call;

struct rpc_tag {
    void (*happened)(void *context, bool ok);
    void *context;
};

/* What the threads of one server share. */
struct rpc_shared {
    const struct rpc_server_options *options;
    const struct rpc_dispatch *dispatch;
    grpc_server *server;
    uint32_t calls_max;
    /* Calls taken and not ended; the last one that ends while draining is told. */
    uint32_t calls;       /* by __atomic */
    uint32_t turned_away; /* by __atomic: those of them that came while draining */
    bool draining;        /* by __atomic */
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct rpc_thread {
    struct rpc_shared *shared;
    grpc_completion_queue *queue;
    pthread_t thread;
    bool runs;
    struct rpc_call *idle;
    uint32_t idle_count;
    uint32_t armed;
    struct rpc_call *handed_back; /* by __atomic: newest first */
};

MUST_USE int rpc_thread_init(struct rpc_thread *thread, struct rpc_shared *shared, struct err *err);
/* Arms the queue with calls to come and runs the loop. The server must be started. */
MUST_USE int rpc_thread_start(struct rpc_thread *thread, struct err *err);
/* Shuts the queue down, waits for the loop, frees everything. No call may be under way. */
void rpc_thread_deinit(struct rpc_thread *thread);

/* ---- for rpc_call.c ---- */

/* Asks for calls until enough are asked for or memory is gone; each call's end is another occasion. */
void rpc_thread_arm(struct rpc_thread *thread);
/* NULL: none is idle. */
struct rpc_call *rpc_thread_take_idle(struct rpc_thread *thread);
/* Keeps it, or frees it when enough are kept. */
void rpc_thread_put_idle(struct rpc_thread *thread, struct rpc_call *call);

/* The caller is this thread's loop. */
bool rpc_thread_is_current(const struct rpc_thread *thread);

/* Posts a batch whose end calls tag; false: C-core refused it, and the tag will not come. */
MUST_USE bool rpc_thread_post(grpc_call *call, const grpc_op *ops, size_t count, struct rpc_tag *tag);

/* The call's thread will run rpc_call_resume for it. Once per call until that has run. Any thread. */
void rpc_thread_hand_back(struct rpc_thread *thread, struct rpc_call *call);

C_DECLS_END

#endif /* SERVER_RPC_THREAD_H_ */
