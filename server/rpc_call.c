#include "server/rpc_call.h"

#include <grpc/byte_buffer_reader.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread_check.h"

#define REFUSAL_BYTES 512

static const struct call_ops ops;

static enum rpc_kind kind_of(const struct rpc_call *call)
{
    return call->call.method->kind;
}

static bool is_gone(const struct rpc_call *call)
{
    return __atomic_load_n(&call->is_gone, __ATOMIC_ACQUIRE);
}

/* ---- batches ---- */

/* False: the tag will not come, and the call is as good as gone. */
static bool post(struct rpc_call *call, const grpc_op *operations, size_t count, struct rpc_tag *tag)
{
    if (!rpc_thread_post(call->grpc, operations, count, tag)) {
        return false;
    }
    call->tags_out++;
    return true;
}

static void read_message(struct rpc_call *call)
{
    grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->request_buffer};

    call->reads = post(call, &operation, 1, &call->message_tag);
}

static void watch(struct rpc_call *call)
{
    grpc_op operation = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &call->cancelled};

    call->watches = post(call, &operation, 1, &call->close_tag);
}

static size_t add_head(struct rpc_call *call, grpc_op *operations)
{
    if (call->has_sent_head) {
        return 0;
    }
    call->has_sent_head = true;
    operations[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    return 1;
}

static void send_message(struct rpc_call *call, grpc_byte_buffer *message, size_t bytes)
{
    grpc_op operations[2] = {{0}};
    size_t count = add_head(call, operations);

    operations[count].op = GRPC_OP_SEND_MESSAGE;
    operations[count++].data.send_message.send_message = message;
    call->sending = message;
    call->sending_bytes = bytes;
    if (!post(call, operations, count, &call->sent_tag)) {
        grpc_byte_buffer_destroy(message);
        call->sending = NULL;
        rpc_outbox_refuse(&call->outbox);
    }
}

/* The last batch, unless nobody is there for it. */
static void send_end(struct rpc_call *call)
{
    grpc_op operations[4] = {{0}};
    size_t count = 0;

    call->ends = true;
    if (is_gone(call)) {
        return;
    }
    count = add_head(call, operations);
    if (call->answer.has_message) {
        operations[count].op = GRPC_OP_SEND_MESSAGE;
        operations[count++].data.send_message.send_message = &call->answer.message;
    }
    operations[count].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    operations[count].data.send_status_from_server.status = call->answer.code;
    operations[count].data.send_status_from_server.status_details = &call->answer.text;
    operations[count].data.send_status_from_server.trailing_metadata_count = call->answer.trailer_count;
    operations[count++].data.send_status_from_server.trailing_metadata = call->answer.trailers;
    if (!call->watches) {
        operations[count].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
        operations[count++].data.recv_close_on_server.cancelled = &call->cancelled;
    }
    (void)post(call, operations, count, &call->end_tag);
}

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
    if (__atomic_sub_fetch(&shared->calls, 1, __ATOMIC_ACQ_REL) == 0 &&
        __atomic_load_n(&shared->draining, __ATOMIC_ACQUIRE)) {
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

/* Does the next thing that can be done. Idempotent. */
static void advance(struct rpc_call *call)
{
    grpc_byte_buffer *message;
    size_t bytes = 0;
    bool is_closed;

    if (call->ends || call->sending) {
        return;
    }
    pthread_mutex_lock(&call->outbox.lock);
    message = rpc_outbox_take(&call->outbox, &bytes);
    is_closed = call->outbox.is_closed;
    pthread_mutex_unlock(&call->outbox.lock);
    if (message) {
        send_message(call, message, bytes);
    } else if (is_closed) {
        send_end(call);
    } else if (kind_of(call) == RPC_BIDI && !call->in_handler && !call->reads) {
        if (call->has_read_all || is_gone(call)) {
            send_end(call);
        } else {
            read_message(call);
        }
    }
}

/* ---- from the request to the handler ---- */

static void refuse(struct rpc_call *call, grpc_status_code code, const char *text)
{
    rpc_answer_set_text(&call->answer, code, text);
    send_end(call);
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
    if (is_gone(call)) {
        notice_gone(call); /* it left before the handler could ask to be told */
    }
    if (kind_of(call) == RPC_BIDI) {
        forget_request(call);
        advance(call);
    } else if (!call->ends && !call->watches) {
        watch(call); /* it waits: its client may leave before */
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
    } else if (!call->request_buffer && kind_of(call) == RPC_BIDI) {
        call->has_read_all = true;
        advance(call);
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
    if (kind_of(call) != RPC_UNARY) {
        watch(call);
    }
    read_message(call);
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
    advance(call);
    release_if_ended(call);
}

static void begin(struct rpc_call *call)
{
    const struct rpc_shared *shared = call->thread->shared;
    struct span path = span_make(GRPC_SLICE_START_PTR(call->details.method), GRPC_SLICE_LENGTH(call->details.method));
    uint32_t calls = __atomic_load_n(&shared->calls, __ATOMIC_RELAXED);
    char text[REFUSAL_BYTES];

    call->call.method = rpc_dispatch_find(shared->dispatch, path);
    if (!call->call.method) {
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
    advance(call);
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
        advance(call);
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
    call->call.ops = &ops;
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

/* ---- what handlers ask and answer (call.h) ---- */

static struct span metadata(const struct call *base, const char *key)
{
    const struct rpc_call *call = (const struct rpc_call *)base;

    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *entry = &call->metadata.metadata[i];

        if (span_equal_text(span_make(GRPC_SLICE_START_PTR(entry->key), GRPC_SLICE_LENGTH(entry->key)), key)) {
            return span_make(GRPC_SLICE_START_PTR(entry->value), GRPC_SLICE_LENGTH(entry->value));
        }
    }
    return span_make(NULL, 0);
}

static int64_t deadline_mono_ns(const struct call *base)
{
    const struct rpc_call *call = (const struct rpc_call *)base;
    gpr_timespec left;

    if (gpr_time_cmp(call->details.deadline, gpr_inf_future(call->details.deadline.clock_type)) == 0) {
        return INT64_MAX;
    }
    left = gpr_time_sub(call->details.deadline, gpr_now(call->details.deadline.clock_type));
    if (left.tv_sec > INT32_MAX) {
        return INT64_MAX;
    }
    return clock_mono_ns(base->services->clock) + left.tv_sec * CLOCK_NS_PER_S + left.tv_nsec;
}

static bool call_is_gone(const struct call *base)
{
    return is_gone((const struct rpc_call *)base);
}

static void add_trailer(struct call *base, const char *key, struct span value)
{
    rpc_answer_add_trailer(&((struct rpc_call *)base)->answer, key, value);
}

/* It is done, and its client does not learn that. */
static void lose_answer(struct rpc_call *call)
{
    rpc_answer_deinit(&call->answer);
    rpc_answer_init(&call->answer);
    rpc_answer_set_text(&call->answer, (grpc_status_code)call->fate.code, call->fate.message);
}

static void end(struct call *base, struct call_answer *from)
{
    struct rpc_call *call = (struct rpc_call *)base;
    bool is_own_thread = rpc_thread_is_current(call->thread);

    rpc_answer_set(&call->answer, from, kind_of(call) == RPC_UNARY);
    if (call->fate.code != 0) {
        lose_answer(call);
    }
    if (is_own_thread && kind_of(call) == RPC_UNARY) {
        send_end(call);
        return;
    }
    pthread_mutex_lock(&call->outbox.lock);
    call->outbox.is_closed = true;
    if (!is_own_thread) {
        rpc_thread_hand_back(call->thread, call);
    }
    pthread_mutex_unlock(&call->outbox.lock);
    if (is_own_thread) {
        advance(call);
    }
}

static bool send(struct call *base, struct span message)
{
    struct rpc_call *call = (struct rpc_call *)base;
    bool is_own_thread = rpc_thread_is_current(call->thread);
    bool is_taken;

    pthread_mutex_lock(&call->outbox.lock);
    is_taken = rpc_outbox_put(&call->outbox, message);
    if (is_taken && !is_own_thread) {
        rpc_thread_hand_back(call->thread, call);
    }
    pthread_mutex_unlock(&call->outbox.lock);
    if (is_taken && is_own_thread) {
        advance(call);
    }
    return is_taken;
}

static size_t pending(const struct call *base)
{
    return rpc_outbox_bytes(&((struct rpc_call *)base)->outbox);
}

static const struct call_ops ops = {
    .metadata = metadata,
    .deadline_mono_ns = deadline_mono_ns,
    .is_gone = call_is_gone,
    .add_trailer = add_trailer,
    .end = end,
    .send = send,
    .pending = pending,
};
