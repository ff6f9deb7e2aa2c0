#include "server/rpc_thread.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread_check.h"
#include "server/rpc_call.h"

/* Calls asked for at one time; more makes no difference (facts: 1 to 512 measured). */
#define ARMED 32
#define IDLE_MAX 1024

static _Thread_local const struct rpc_thread *current;

void rpc_thread_arm(struct rpc_thread *thread)
{
    while (thread->armed < ARMED && rpc_call_arm(thread)) {
        thread->armed++;
    }
}

struct rpc_call *rpc_thread_take_idle(struct rpc_thread *thread)
{
    struct rpc_call *call = thread->idle;

    if (call) {
        thread->idle = call->next_idle;
        thread->idle_count--;
    }
    return call;
}

void rpc_thread_put_idle(struct rpc_thread *thread, struct rpc_call *call)
{
    if (thread->idle_count >= IDLE_MAX) {
        rpc_call_destroy(call);
        return;
    }
    call->next_idle = thread->idle;
    thread->idle = call;
    thread->idle_count++;
}

bool rpc_thread_is_current(const struct rpc_thread *thread)
{
    return current == thread;
}

bool rpc_thread_post(grpc_call *call, const grpc_op *ops, size_t count, struct rpc_tag *tag)
{
    THREAD_HANDOVER_RELEASE(tag);
    return grpc_call_start_batch(call, ops, count, tag, NULL) == GRPC_CALL_OK;
}

/* ---- answers from elsewhere ---- */

void rpc_thread_hand_back(struct rpc_thread *thread, struct rpc_call *call)
{
    struct rpc_call *head;

    if (__atomic_exchange_n(&call->is_handed_back, true, __ATOMIC_ACQ_REL)) {
        return;
    }
    head = __atomic_load_n(&thread->handed_back, __ATOMIC_RELAXED);
    do {
        call->next_handed_back = head;
    } while (!__atomic_compare_exchange_n(&thread->handed_back, &head, call, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if (!head && !rpc_thread_post(call->grpc, NULL, 0, &call->wake_tag)) {
        abort(); /* C-core takes an empty batch at any time of a call's life */
    }
}

/* Oldest first. */
static struct rpc_call *take_handed_back(struct rpc_thread *thread)
{
    struct rpc_call *newest = __atomic_exchange_n(&thread->handed_back, NULL, __ATOMIC_ACQ_REL);
    struct rpc_call *oldest = NULL;

    while (newest) {
        struct rpc_call *next = newest->next_handed_back;

        newest->next_handed_back = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void resume_handed_back(struct rpc_thread *thread)
{
    struct rpc_call *call = take_handed_back(thread);

    while (call) {
        struct rpc_call *next = call->next_handed_back;

        __atomic_store_n(&call->is_handed_back, false, __ATOMIC_RELEASE);
        rpc_call_resume(call);
        call = next;
    }
}

/* ---- the loop ---- */

static void *run(void *context)
{
    struct rpc_thread *thread = context;
    const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    pthread_setname_np(pthread_self(), "calls");
    current = thread;
    store_reader_register(thread->shared->options->services->store);
    for (;;) {
        grpc_event event = grpc_completion_queue_next(thread->queue, never, NULL);
        struct rpc_tag *tag = event.tag;

        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            break;
        }
        THREAD_HANDOVER_ACQUIRE(tag);
        if (tag->happened) {
            tag->happened(tag->context, event.success != 0);
        } else {
            resume_handed_back(thread); /* the wake tag of whichever call came first */
        }
    }
    store_reader_unregister(thread->shared->options->services->store);
    current = NULL;
    return NULL;
}

int rpc_thread_init(struct rpc_thread *thread, struct rpc_shared *shared, struct err *err)
{
    memset(thread, 0, sizeof *thread);
    thread->shared = shared;
    thread->queue = grpc_completion_queue_create_for_next(NULL);
    if (!thread->queue) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a completion queue");
    }
    grpc_server_register_completion_queue(shared->server, thread->queue, NULL);
    return 0;
}

int rpc_thread_start(struct rpc_thread *thread, struct err *err)
{
    int failure;

    rpc_thread_arm(thread);
    if (thread->armed == 0) {
        return err_set(err, ERR_EXHAUSTED, "no memory to wait for calls");
    }
    failure = pthread_create(&thread->thread, NULL, run, thread);
    if (failure) {
        return err_set_errno(err, failure, "cannot start a call thread");
    }
    thread->runs = true;
    return 0;
}

/* Where no loop ran: takes back what was armed. */
static void drain(struct rpc_thread *thread)
{
    const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    for (;;) {
        grpc_event event = grpc_completion_queue_next(thread->queue, never, NULL);
        struct rpc_tag *tag = event.tag;

        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return;
        }
        if (tag->happened) {
            tag->happened(tag->context, event.success != 0);
        }
    }
}

void rpc_thread_deinit(struct rpc_thread *thread)
{
    struct rpc_call *next;

    if (!thread->queue) {
        return;
    }
    grpc_completion_queue_shutdown(thread->queue);
    if (thread->runs) {
        pthread_join(thread->thread, NULL);
    } else {
        drain(thread);
    }
    for (struct rpc_call *call = thread->idle; call; call = next) {
        next = call->next_idle;
        rpc_call_destroy(call);
    }
    grpc_completion_queue_destroy(thread->queue);
    memset(thread, 0, sizeof *thread);
}
