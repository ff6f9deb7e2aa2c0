#include "cli/channel.h"

#include <stdlib.h>

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include "base/limits.h"
#include "cli/channel_call.h"
#include "upb/arena.h"

/* A job as large as the server takes, and what is around it. */
#define MESSAGE_BYTES_MAX (2 * LIMIT_VALUE_BYTES)

/* A number from 1 to 65535 and nothing after it. */
static bool is_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port >= 1 && port <= 65535;
}

int channel_check_endpoint(const char *endpoint, struct err *err)
{
    const char *colon = strrchr(endpoint, ':');

    if (strstr(endpoint, "://")) {
        return err_set(err, ERR_INVALID, "the endpoint \"%s\" is a URL; write host:port", endpoint);
    }
    if (strncmp(endpoint, "unix:", 5) == 0) {
        return endpoint[5] ? 0 : err_set(err, ERR_INVALID, "the endpoint \"%s\" has no path", endpoint);
    }
    if (!colon || colon == endpoint || !is_port(colon + 1) ||
        (memchr(endpoint, ':', (size_t)(colon - endpoint)) && endpoint[0] != '[')) {
        return err_set(err, ERR_INVALID, "the endpoint \"%s\" is not host:port, [v6]:port or unix:PATH", endpoint);
    }
    return 0;
}

/* What C-core tells its log stands in the status too; people read it there once. GRPC_VERBOSITY brings the log back. */
static void discard_log(gpr_log_func_args *line)
{
    (void)line;
}

int channel_open(const char *endpoint, bool tls, const char *ca_pem, struct channel **ret_channel, struct err *err)
{
    struct channel *channel;
    grpc_channel_credentials *credentials;
    /* A proxy that http_proxy names for browsers is none for a job server, least of all for one on this host. */
    grpc_arg settings[] = {
        {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_ENABLE_HTTP_PROXY, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = MESSAGE_BYTES_MAX},
        {.type = GRPC_ARG_STRING,
         .key = (char *)GRPC_ARG_PRIMARY_USER_AGENT_STRING,
         .value.string = (char *)"customjob/" CUSTOMJOBD_VERSION},
    };
    grpc_channel_args args = {.num_args = sizeof settings / sizeof settings[0], .args = settings};

    if (channel_check_endpoint(endpoint, err)) {
        return -1;
    }
    channel = calloc(1, sizeof *channel);
    if (!channel) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    if (!getenv("GRPC_VERBOSITY")) {
        gpr_set_log_function(discard_log);
    }
    grpc_init();
    credentials = tls ? grpc_ssl_credentials_create(ca_pem, NULL, NULL, NULL) : grpc_insecure_credentials_create();
    channel->grpc = grpc_channel_create(endpoint, credentials, &args);
    channel->queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_channel_credentials_release(credentials);
    *ret_channel = channel;
    return 0;
}

void channel_close(struct channel *channel)
{
    if (!channel) {
        return;
    }
    grpc_channel_destroy(channel->grpc);
    grpc_completion_queue_shutdown(channel->queue);
    grpc_completion_queue_destroy(channel->queue);
    rpc_status_deinit(&channel->status);
    free(channel);
    grpc_shutdown_blocking();
}

void channel_set_header(struct channel *channel, const char *key, const char *value)
{
    channel->header_key = key;
    channel->header_value = value;
}

const struct rpc_status *channel_status(const struct channel *channel)
{
    return &channel->status;
}

void channel_forget_status(struct channel *channel)
{
    rpc_status_clear(&channel->status);
}

gpr_timespec channel_deadline(int64_t wait_ns)
{
    if (wait_ns == INT64_MAX) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(wait_ns, GPR_TIMESPAN));
}

/* Copied by the library first: its own threads wrote the slice, in an order that only it knows to be one. */
static void add_slice(struct text *text, const grpc_slice *slice)
{
    grpc_slice copy = grpc_slice_dup(*slice);

    text_add(text, span_make(GRPC_SLICE_START_PTR(copy), GRPC_SLICE_LENGTH(copy)));
    grpc_slice_unref(copy);
}

static void add_trailer(struct text *text, const struct channel_call *call, const char *key)
{
    for (size_t i = 0; i < call->trailers.count; i++) {
        if (grpc_slice_str_cmp(call->trailers.metadata[i].key, key) == 0) {
            add_slice(text, &call->trailers.metadata[i].value);
            return;
        }
    }
}

void channel_keep_status(struct channel *channel, const struct channel_call *call)
{
    rpc_status_clear(&channel->status);
    channel->status.code = (int)call->code;
    add_slice(&channel->status.message, &call->message);
    add_trailer(&channel->status.details, call, "grpc-status-details-bin");
    add_trailer(&channel->status.operation, call, "x-operation-name");
}

int channel_copy_message(grpc_byte_buffer *buffer, upb_Arena *arena, struct span *ret_message, struct err *err)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    size_t size = grpc_byte_buffer_length(buffer), at = 0;
    char *bytes = upb_Arena_Malloc(arena, size + 1);

    if (!bytes || !grpc_byte_buffer_reader_init(&reader, buffer)) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        size_t part = GRPC_SLICE_LENGTH(slice);

        if (part <= size - at) {
            memcpy(bytes + at, GRPC_SLICE_START_PTR(slice), part);
            at += part;
        }
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    *ret_message = span_make(bytes, at);
    return 0;
}

void channel_call_init(struct channel_call *call, struct channel *channel, const char *method, gpr_timespec deadline)
{
    *call = (struct channel_call){.message = grpc_empty_slice()};
    call->grpc = grpc_channel_create_call(channel->grpc, NULL, GRPC_PROPAGATE_DEFAULTS, channel->queue,
                                          grpc_slice_from_static_string(method), NULL, deadline, NULL);
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
}

void channel_call_deinit(struct channel_call *call)
{
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    grpc_slice_unref(call->message);
    grpc_call_unref(call->grpc);
}

grpc_op channel_op_headers(struct channel *channel, grpc_metadata *header)
{
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    if (channel->header_key) {
        *header = (grpc_metadata){.key = grpc_slice_from_static_string(channel->header_key),
                                  .value = grpc_slice_from_static_string(channel->header_value)};
        op.data.send_initial_metadata.count = 1;
        op.data.send_initial_metadata.metadata = header;
    }
    channel->header_key = NULL;
    return op;
}

grpc_op channel_op_status(struct channel_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    op.data.recv_status_on_client.status = &call->code;
    op.data.recv_status_on_client.status_details = &call->message;
    op.data.recv_status_on_client.trailing_metadata = &call->trailers;
    return op;
}

grpc_byte_buffer *channel_buffer(struct span request)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(request.data, request.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

int channel_call(struct channel *channel, const char *method, struct span request, int64_t timeout_ns, upb_Arena *arena,
                 struct span *ret_response, struct err *err)
{
    struct channel_call call;
    grpc_byte_buffer *sent = channel_buffer(request), *received = NULL;
    grpc_metadata header;
    grpc_op ops[6] = {channel_op_headers(channel, &header),
                      {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = sent},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA},
                      {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &received}};
    int failed = 0;

    channel_call_init(&call, channel, method, channel_deadline(timeout_ns));
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &call.headers;
    ops[5] = channel_op_status(&call);
    if (grpc_call_start_batch(call.grpc, ops, 6, &call, NULL) != GRPC_CALL_OK) {
        rpc_status_clear(&channel->status);
        failed = err_set(err, ERR_INTERNAL, "the call to %s cannot be made", method);
    } else {
        /* The call's own deadline ends this wait. */
        (void)grpc_completion_queue_pluck(channel->queue, &call, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        channel_keep_status(channel, &call);
        if (call.code != GRPC_STATUS_OK) {
            failed = rpc_status_fail(&channel->status, err);
        } else if (!received) {
            failed = err_set(err, ERR_INTERNAL, "the server answered %s without a message", method);
        } else {
            failed = channel_copy_message(received, arena, ret_response, err);
        }
    }
    if (received) {
        grpc_byte_buffer_destroy(received);
    }
    grpc_byte_buffer_destroy(sent);
    channel_call_deinit(&call);
    return failed;
}
