#include "server/rpc_exchange.h"

/* False: the tag will not come, and the call is as good as gone. */
static bool post(struct rpc_call *call, const grpc_op *operations, size_t count, struct rpc_tag *tag)
{
    if (!rpc_thread_post(call->grpc, operations, count, tag)) {
        return false;
    }
    call->tags_out++;
    return true;
}

void rpc_exchange_read(struct rpc_call *call)
{
    grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &call->request_buffer};

    call->reads = post(call, &operation, 1, &call->message_tag);
}

void rpc_exchange_watch(struct rpc_call *call)
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

void rpc_exchange_end(struct rpc_call *call)
{
    grpc_op operations[4] = {{0}};
    size_t count = 0;

    call->ends = true;
    if (rpc_call_is_gone(call)) {
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

void rpc_exchange_advance(struct rpc_call *call)
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
        rpc_exchange_end(call);
    } else if (rpc_call_kind(call) == RPC_BIDI && !call->in_handler && !call->reads) {
        if (call->has_read_all || rpc_call_is_gone(call)) {
            rpc_exchange_end(call);
        } else {
            rpc_exchange_read(call);
        }
    }
}
