#include <stdlib.h>

#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>

#include "cli/channel_call.h"

/* Two batches are under way at a time: the status, which ends the call, and the next message. Each has a tag. */
struct channel_stream {
    struct channel *channel;
    struct channel_call call;
    grpc_byte_buffer *sent;
    grpc_byte_buffer *received;
    grpc_metadata header;
    bool reading; /* a message is awaited */
    bool ended;   /* the status was taken */
};

static void *status_tag(struct channel_stream *stream)
{
    return &stream->call;
}

static void *message_tag(struct channel_stream *stream)
{
    return &stream->received;
}

int channel_stream_open(struct channel *channel, const char *method, struct span request,
                        struct channel_stream **ret_stream, struct err *err)
{
    struct channel_stream *stream = calloc(1, sizeof *stream);
    grpc_op ops[5];

    if (!stream) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    stream->channel = channel;
    stream->sent = channel_buffer(request);
    channel_call_init(&stream->call, channel, method, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    ops[0] = channel_op_headers(channel, &stream->header);
    ops[1] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = stream->sent};
    ops[2] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    ops[3] = (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA};
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &stream->call.headers;
    ops[4] = channel_op_status(&stream->call);
    if (grpc_call_start_batch(stream->call.grpc, ops, 5, status_tag(stream), NULL) != GRPC_CALL_OK) {
        stream->ended = true;
        channel_stream_close(stream);
        rpc_status_clear(&channel->status);
        return err_set(err, ERR_INTERNAL, "the call to %s cannot be made", method);
    }
    *ret_stream = stream;
    return 0;
}

static void take_status(struct channel_stream *stream)
{
    if (!stream->ended) {
        (void)grpc_completion_queue_pluck(stream->channel->queue, status_tag(stream),
                                          gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        stream->ended = true;
    }
}

/* After the last message. */
static int finish(struct channel_stream *stream, enum channel_event *ret_event, struct err *err)
{
    take_status(stream);
    channel_keep_status(stream->channel, &stream->call);
    if (stream->call.code != GRPC_STATUS_OK) {
        return rpc_status_fail(&stream->channel->status, err);
    }
    *ret_event = CHANNEL_END;
    return 0;
}

int channel_stream_next(struct channel_stream *stream, int64_t wait_ns, struct upb_Arena *arena,
                        enum channel_event *ret_event, struct span *ret_message, struct err *err)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &stream->received};
    grpc_event event;
    int failed;

    if (!stream->reading) {
        if (grpc_call_start_batch(stream->call.grpc, &op, 1, message_tag(stream), NULL) != GRPC_CALL_OK) {
            return err_set(err, ERR_INTERNAL, "the stream cannot be read");
        }
        stream->reading = true;
    }
    event = grpc_completion_queue_pluck(stream->channel->queue, message_tag(stream), channel_deadline(wait_ns), NULL);
    if (event.type == GRPC_QUEUE_TIMEOUT) {
        *ret_event = CHANNEL_IDLE;
        return 0;
    }
    stream->reading = false;
    if (!stream->received) {
        return finish(stream, ret_event, err);
    }
    failed = channel_copy_message(stream->received, arena, ret_message, err);
    grpc_byte_buffer_destroy(stream->received);
    stream->received = NULL;
    if (!failed) {
        *ret_event = CHANNEL_MESSAGE;
    }
    return failed;
}

void channel_stream_close(struct channel_stream *stream)
{
    if (!stream) {
        return;
    }
    if (!stream->ended) {
        (void)grpc_call_cancel(stream->call.grpc, NULL);
    }
    if (stream->reading) {
        (void)grpc_completion_queue_pluck(stream->channel->queue, message_tag(stream),
                                          gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    }
    take_status(stream);
    if (stream->received) {
        grpc_byte_buffer_destroy(stream->received);
    }
    grpc_byte_buffer_destroy(stream->sent);
    channel_call_deinit(&stream->call);
    free(stream);
}
