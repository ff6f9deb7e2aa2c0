/* What handlers ask of a call and answer it with (call.h), for calls that are gRPC's. */
#include "server/rpc_call.h"
#include "server/rpc_exchange.h"

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
    return rpc_call_is_gone((const struct rpc_call *)base);
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

    rpc_answer_set(&call->answer, from, rpc_call_kind(call) == RPC_UNARY);
    if (call->fate.code != 0) {
        lose_answer(call);
    }
    if (is_own_thread && rpc_call_kind(call) == RPC_UNARY) {
        rpc_exchange_end(call);
        return;
    }
    pthread_mutex_lock(&call->outbox.lock);
    call->outbox.is_closed = true;
    if (!is_own_thread) {
        rpc_thread_hand_back(call->thread, call);
    }
    pthread_mutex_unlock(&call->outbox.lock);
    if (is_own_thread) {
        rpc_exchange_advance(call);
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
        rpc_exchange_advance(call);
    }
    return is_taken;
}

static size_t pending(const struct call *base)
{
    return rpc_outbox_bytes(&((struct rpc_call *)base)->outbox);
}

const struct call_ops rpc_call_ops = {
    .metadata = metadata,
    .deadline_mono_ns = deadline_mono_ns,
    .is_gone = call_is_gone,
    .add_trailer = add_trailer,
    .end = end,
    .send = send,
    .pending = pending,
};
