#include "server/rpc_call.h"

#include <grpc/byte_buffer_reader.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread_check.h"
#include "server/rpc_exchange.h"

#define REFUSAL_BYTES 512

/* ---- life ---- */

static void forget_request(struct rpc_call *call)
{
    if (call->request_buffer) {
        grpc_byte_buffer_destroy(call->request_buffer);
        call->request_buffer = NULL;
    }
    grpc_slice_unref(call->request_slice);
    call->request_slice = grpc_empty_slice();
    call_deinit(&call->call);
}

static void release(struct rpc_call *call)
{
    struct rpc_thread *thread = call->thread;
    struct rpc_shared *shared = thread->shared;

    forget_request(call);
    rpc_answer_deinit(&call->answer);
    rpc_outbox_reset(&call->outbox);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_unref(call->grpc);
    call->grpc = NULL;
    rpc_thread_put_idle(thread, call);
    if (thread->armed == 0 && !__atomic_load_n(&shared->draining, __ATOMIC_ACQUIRE)) {
        rpc_thread_arm(thread); /* memory was gone when it was tried last */
    }
    if (call->is_turned_away) {
        __atomic_sub_fetch(&shared->turned_away, 1, __ATOMIC_ACQ_REL);
    }
    __atomic_sub_fetch(&shared->calls, 1, __ATOMIC_ACQ_REL);
    if (__atomic_load_n(&shared->draining, __ATOMIC_ACQUIRE)) {
        pthread_mutex_lock(&shared->lock);
        pthread_cond_broadcast(&shared->changed);
        pthread_mutex_unlock(&shared->lock);
    }
}

/* The last thing that each event does. */
static void release_if_ended(struct rpc_call *call)
{
    if (call->ends && call->tags_out == 0 && !__atomic_load_n(&call->is_handed_back, __ATOMIC_ACQUIRE)) {
        release(call);
    }
}

/* ---- from the request to the handler ---- */

static void refuse(struct rpc_call *call, grpc_status_code code, const char *text)
{
    rpc_answer_set_text(&call->answer, code, text);
    rpc_exchange_end(call);
}

/* The message's bytes in one piece; false: compressed in a way that core let pass. */
static bool take_request(struct rpc_call *call)
{
    grpc_slice_buffer *slices = &call->request_buffer->data.raw.slice_buffer;
    const grpc_slice *whole = &slices->slices[0];

    if (call->request_buffer->data.raw.compression != GRPC_COMPRESS_NONE) {
        return false;
    }
    if (slices->count != 1) {
        grpc_byte_buffer_reader reader;

        if (!grpc_byte_buffer_reader_init(&reader, call->request_buffer)) {
            return false;
        }
        call->request_slice = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
        whole = &call->request_slice;
    }
    call->call.request = span_make(GRPC_SLICE_START_PTR(*whole), GRPC_SLICE_LENGTH(*whole));
    return true;
}

static void notice_gone(struct rpc_call *call)
{
    call_gone_fn gone = call->call.gone;

    if (gone) {
        call->call.gone = NULL;
        call->in_handler = true;
        gone(&call->call, call->call.gone_context);
        call->in_handler = false;
    }
}

static void run_handler(struct rpc_call *call)
{
    call->in_handler = true;
    call->call.method->handler(&call->call);
    call->in_handler = false;
    if (rpc_call_is_gone(call)) {
        notice_gone(call); /* it left before the handler could ask to be told */
    }
    if (rpc_call_kind(call) == RPC_BIDI) {
        forget_request(call);
        rpc_exchange_advance(call);
    } else if (!call->ends && !call->watches) {
        rpc_exchange_watch(call); /* it waits: its client may leave before */
    }
}

static void happened_message(void *context, bool ok)
{
    struct rpc_call *call = context;

    (void)ok; /* a message that did not come is NULL */
    call->tags_out--;
    call->reads = false;
    if (call->ends) {
        /* Ended by the handler while this was awaited. */
    } else if (!call->request_buffer && rpc_call_kind(call) == RPC_BIDI) {
        call->has_read_all = true;
        rpc_exchange_advance(call);
    } else if (!call->request_buffer) {
        refuse(call, GRPC_STATUS_UNIMPLEMENTED, "the method takes one request message, and none came");
    } else if (!take_request(call)) {
        refuse(call, GRPC_STATUS_UNIMPLEMENTED, "compressed requests are not taken: send them uncompressed");
    } else {
        run_handler(call);
    }
    release_if_ended(call);
}

static void go_on(struct rpc_call *call)
{
    if (call->fate.code != 0 && !call->fate.answer_lost) {
        refuse(call, (grpc_status_code)call->fate.code, call->fate.message);
        return;
    }
    if (rpc_call_kind(call) != RPC_UNARY) {
        rpc_exchange_watch(call);
    }
    rpc_exchange_read(call);
}

static void wait_over(struct call_wait *wait)
{
    struct rpc_call *call = (struct rpc_call *)((char *)wait - offsetof(struct rpc_call, wait));

    rpc_thread_hand_back(call->thread, call);
}

/* What it was told to do to such calls, and then what it does with every other. */
static void begin_served(struct rpc_call *call, struct span path)
{
    struct call_faults *faults = call->call.services->faults;

    if (faults && call_faults_take(faults, path, &call->fate) && call->fate.latency_ns > 0) {
        call->is_late = true;
        call->wait.over = wait_over;
        call_faults_wait(faults, &call->wait, call->fate.latency_ns);
        return;
    }
    go_on(call);
}

void rpc_call_resume(struct rpc_call *call)
{
    if (call->is_late) {
        call->is_late = false;
        go_on(call);
    }
    rpc_exchange_advance(call);
    release_if_ended(call);
}

static void begin(struct rpc_call *call)
{
    struct rpc_shared *shared = call->thread->shared;
    struct span path = span_make(GRPC_SLICE_START_PTR(call->details.method), GRPC_SLICE_LENGTH(call->details.method));
    uint32_t calls = __atomic_load_n(&shared->calls, __ATOMIC_RELAXED);
    char text[REFUSAL_BYTES];

    call->call.method = rpc_dispatch_find(shared->dispatch, path);
    if (__atomic_load_n(&shared->draining, __ATOMIC_ACQUIRE)) {
        call->is_turned_away = true;
        __atomic_add_fetch(&shared->turned_away, 1, __ATOMIC_ACQ_REL);
        refuse(call, GRPC_STATUS_UNAVAILABLE, "the server is stopping");
    } else if (!call->call.method) {
        shared->options->unserved(path, text, sizeof text);
        refuse(call, GRPC_STATUS_UNIMPLEMENTED, text);
    } else if (calls > shared->calls_max) {
        snprintf(text, sizeof text, "%u calls are under way, and the server takes no more at a time: try again later",
                 calls - 1);
        refuse(call, GRPC_STATUS_RESOURCE_EXHAUSTED, text);
    } else {
        begin_served(call, path);
    }
}

static void happened_new(void *context, bool ok)
{
    struct rpc_call *call = context;
    struct rpc_thread *thread = call->thread;

    thread->armed--;
    if (!ok) { /* the server is being stopped */
        grpc_call_details_destroy(&call->details);
        grpc_metadata_array_destroy(&call->metadata);
        rpc_answer_deinit(&call->answer);
        rpc_thread_put_idle(thread, call);
        return;
    }
    __atomic_add_fetch(&thread->shared->calls, 1, __ATOMIC_ACQ_REL);
    rpc_thread_arm(thread);
    begin(call);
    release_if_ended(call);
}

/* ---- the other events ---- */

static void happened_sent(void *context, bool ok)
{
    struct rpc_call *call = context;

    (void)ok; /* the close tells it too */
    call->tags_out--;
    grpc_byte_buffer_destroy(call->sending);
    call->sending = NULL;
    rpc_outbox_settle(&call->outbox, call->sending_bytes);
    rpc_exchange_advance(call);
    release_if_ended(call);
}

static void happened_close(void *context, bool ok)
{
    struct rpc_call *call = context;

    (void)ok;
    call->tags_out--;
    if (call->cancelled && !call->ends) {
        __atomic_store_n(&call->is_gone, true, __ATOMIC_RELEASE);
        rpc_outbox_refuse(&call->outbox);
        notice_gone(call);
        rpc_exchange_advance(call);
    }
    release_if_ended(call);
}

static void happened_end(void *context, bool ok)
{
    struct rpc_call *call = context;

    (void)ok;
    call->tags_out--;
    release_if_ended(call);
}

/* ---- making them ---- */

static struct rpc_call *create(struct rpc_thread *thread)
{
    struct rpc_call *call = aligned_alloc(_Alignof(struct rpc_call), sizeof *call);

    if (!call) {
        return NULL;
    }
    memset(call, 0, sizeof *call);
    call->call.ops = &rpc_call_ops;
    call->call.services = thread->shared->options->services;
    call->thread = thread;
    call->request_slice = grpc_empty_slice();
    call->new_tag = (struct rpc_tag){happened_new, call};
    call->message_tag = (struct rpc_tag){happened_message, call};
    call->close_tag = (struct rpc_tag){happened_close, call};
    call->sent_tag = (struct rpc_tag){happened_sent, call};
    call->end_tag = (struct rpc_tag){happened_end, call};
    call->wake_tag = (struct rpc_tag){NULL, NULL};
    rpc_outbox_init(&call->outbox);
    return call;
}

void rpc_call_destroy(struct rpc_call *call)
{
    rpc_outbox_deinit(&call->outbox);
    free(call);
}

static void reset(struct rpc_call *call)
{
    call->call.method = NULL;
    call->call.request = span_make(NULL, 0);
    call->call.principal = span_make(NULL, 0);
    call->call.gone = NULL;
    call->is_gone = false;
    call->reads = false;
    call->has_read_all = false;
    call->watches = false;
    call->has_sent_head = false;
    call->is_turned_away = false;
    call->is_late = false;
    call->fate.code = 0;
    call->fate.latency_ns = 0;
    call->ends = false;
    call->cancelled = 0;
    call->sending = NULL;
}

bool rpc_call_arm(struct rpc_thread *thread)
{
    struct rpc_call *call = rpc_thread_take_idle(thread);

    if (!call) {
        call = create(thread);
    }
    if (!call) {
        return false;
    }
    reset(call);
    rpc_answer_init(&call->answer);
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    THREAD_HANDOVER_RELEASE(&call->new_tag);
    if (grpc_server_request_call(thread->shared->server, &call->grpc, &call->details, &call->metadata, thread->queue,
                                 thread->queue, &call->new_tag) != GRPC_CALL_OK) {
        grpc_call_details_destroy(&call->details);
        grpc_metadata_array_destroy(&call->metadata);
        rpc_answer_deinit(&call->answer);
        rpc_thread_put_idle(thread, call);
        return false;
    }
    return true;
}
