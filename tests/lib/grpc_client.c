#include "tests/lib/grpc_client.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 8

struct grpc_client {
    grpc_channel *channel;
};

struct grpc_stream {
    grpc_call *call;
    grpc_completion_queue *queue;
    gpr_timespec deadline;
    grpc_metadata_array initial;
    bool has_initial;
    grpc_metadata_array trailing;
    grpc_status_code code;
    grpc_slice text;
};

struct grpc_client *grpc_client_create(const char *address)
{
    grpc_channel_credentials *credentials;
    struct grpc_client *client = malloc(sizeof *client);
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, .value.integer = 1},
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_HTTP_PROXY, .value.integer = 0}};
    grpc_channel_args list = {.num_args = 2, .args = args};

    if (!client) {
        abort();
    }
    grpc_init();
    credentials = grpc_insecure_credentials_create();
    client->channel = grpc_channel_create(address, credentials, &list);
    grpc_channel_credentials_release(credentials);
    return client;
}

void grpc_client_destroy(struct grpc_client *client)
{
    if (client) {
        grpc_channel_destroy(client->channel);
        grpc_shutdown();
        free(client);
    }
}

/* Waits for the one batch that is under way with this tag. */
static bool run_batch(struct grpc_stream *stream, const grpc_op *operations, size_t count)
{
    grpc_event event;

    if (grpc_call_start_batch(stream->call, operations, count, stream, NULL) != GRPC_CALL_OK) {
        abort();
    }
    event = grpc_completion_queue_next(stream->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    return event.type == GRPC_OP_COMPLETE && event.success;
}

static struct span copy_slice(grpc_slice slice)
{
    size_t size = GRPC_SLICE_LENGTH(slice);
    char *copy = malloc(size + 1);

    if (!copy) {
        abort();
    }
    memcpy(copy, GRPC_SLICE_START_PTR(slice), size);
    copy[size] = '\0';
    return span_make(copy, size);
}

static struct grpc_stream *open_stream(struct grpc_client *client, const char *method, const grpc_metadata *headers,
                                       size_t header_count, int64_t timeout_ms)
{
    struct grpc_stream *stream = calloc(1, sizeof *stream);
    grpc_slice path = grpc_slice_from_copied_string(method);
    grpc_op operation;

    if (!stream) {
        abort();
    }
    stream->queue = grpc_completion_queue_create_for_next(NULL);
    stream->deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
    stream->call = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, stream->queue, path, NULL,
                                            stream->deadline, NULL);
    grpc_slice_unref(path);
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->text = grpc_empty_slice();
    memset(&operation, 0, sizeof operation);
    operation.op = GRPC_OP_SEND_INITIAL_METADATA;
    operation.flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY;
    operation.data.send_initial_metadata.count = header_count;
    operation.data.send_initial_metadata.metadata = (grpc_metadata *)headers;
    (void)run_batch(stream, &operation, 1);
    return stream;
}

struct grpc_stream *grpc_stream_open(struct grpc_client *client, const char *method, int64_t timeout_ms)
{
    return open_stream(client, method, NULL, 0, timeout_ms);
}

void grpc_stream_write(struct grpc_stream *stream, struct span message)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(message.data, message.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_op operation = {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = buffer};

    (void)run_batch(stream, &operation, 1);
    grpc_byte_buffer_destroy(buffer);
    grpc_slice_unref(slice);
}

void grpc_stream_close_writes(struct grpc_stream *stream)
{
    grpc_op operation = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    (void)run_batch(stream, &operation, 1);
}

/* Asked for once; nothing else is received before it. */
static size_t add_initial(struct grpc_stream *stream, grpc_op *operation)
{
    if (stream->has_initial) {
        return 0;
    }
    stream->has_initial = true;
    operation->op = GRPC_OP_RECV_INITIAL_METADATA;
    operation->data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    return 1;
}

bool grpc_stream_read(struct grpc_stream *stream, struct span *ret_message)
{
    grpc_byte_buffer *buffer = NULL;
    grpc_op operations[2] = {{0}};
    size_t count = add_initial(stream, operations);
    grpc_byte_buffer_reader reader;
    grpc_slice slice;

    operations[count].op = GRPC_OP_RECV_MESSAGE;
    operations[count++].data.recv_message.recv_message = &buffer;
    (void)run_batch(stream, operations, count);
    if (!buffer) {
        return false;
    }
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        abort();
    }
    slice = grpc_byte_buffer_reader_readall(&reader);
    *ret_message = copy_slice(slice);
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(buffer);
    return true;
}

void grpc_stream_cancel(struct grpc_stream *stream)
{
    (void)grpc_call_cancel(stream->call, NULL);
}

static void take_trailers(const struct grpc_stream *stream, struct grpc_reply *reply)
{
    for (size_t i = 0; i < stream->trailing.count; i++) {
        const grpc_metadata *entry = &stream->trailing.metadata[i];

        if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") == 0) {
            reply->details = copy_slice(entry->value);
        } else if (grpc_slice_str_cmp(entry->key, "x-operation-name") == 0) {
            reply->operation_name = (char *)copy_slice(entry->value).data;
        }
    }
}

void grpc_stream_finish(struct grpc_stream *stream, struct grpc_reply *ret_reply)
{
    grpc_op operations[2] = {{0}};
    size_t count = add_initial(stream, operations);
    grpc_event event;

    operations[count].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    operations[count].data.recv_status_on_client.status = &stream->code;
    operations[count].data.recv_status_on_client.status_details = &stream->text;
    operations[count++].data.recv_status_on_client.trailing_metadata = &stream->trailing;
    (void)run_batch(stream, operations, count);
    memset(ret_reply, 0, sizeof *ret_reply);
    ret_reply->code = (int)stream->code;
    ret_reply->text = (char *)copy_slice(stream->text).data;
    take_trailers(stream, ret_reply);
    grpc_call_unref(stream->call);
    grpc_completion_queue_shutdown(stream->queue);
    do {
        event = grpc_completion_queue_next(stream->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    } while (event.type != GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(stream->queue);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->text);
    free(stream);
}

void grpc_client_call(struct grpc_client *client, const char *method, struct span request,
                      const struct grpc_header *headers, size_t header_count, int64_t timeout_ms,
                      struct grpc_reply *ret_reply)
{
    grpc_metadata metadata[HEADERS_MAX];
    struct grpc_stream *stream;
    struct span message = {NULL, 0};

    memset(metadata, 0, sizeof metadata);
    for (size_t i = 0; i < header_count && i < HEADERS_MAX; i++) {
        metadata[i].key = grpc_slice_from_copied_string(headers[i].key);
        metadata[i].value = grpc_slice_from_copied_string(headers[i].value);
    }
    stream = open_stream(client, method, metadata, header_count, timeout_ms);
    for (size_t i = 0; i < header_count && i < HEADERS_MAX; i++) {
        grpc_slice_unref(metadata[i].key);
        grpc_slice_unref(metadata[i].value);
    }
    grpc_stream_write(stream, request);
    grpc_stream_close_writes(stream);
    if (!grpc_stream_read(stream, &message)) {
        message = span_make(NULL, 0);
    }
    grpc_stream_finish(stream, ret_reply);
    ret_reply->message = message;
}

void grpc_reply_deinit(struct grpc_reply *reply)
{
    free(reply->text);
    free((char *)reply->message.data);
    free((char *)reply->details.data);
    free(reply->operation_name);
    memset(reply, 0, sizeof *reply);
}
