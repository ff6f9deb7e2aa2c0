#include "server/rpc_outbox.h"

#include <stdlib.h>

#include "base/limits.h"

struct rpc_message {
    struct rpc_message *next;
    size_t bytes;
    grpc_byte_buffer *buffer;
};

void rpc_outbox_init(struct rpc_outbox *outbox)
{
    *outbox = (struct rpc_outbox){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static void drop_all(struct rpc_outbox *outbox)
{
    struct rpc_message *next;

    for (struct rpc_message *message = outbox->first; message; message = next) {
        next = message->next;
        outbox->bytes -= message->bytes;
        grpc_byte_buffer_destroy(message->buffer);
        free(message);
    }
    outbox->first = NULL;
    outbox->last = NULL;
}

void rpc_outbox_reset(struct rpc_outbox *outbox)
{
    drop_all(outbox);
    outbox->bytes = 0;
    outbox->is_closed = false;
    outbox->refuses = false;
}

void rpc_outbox_deinit(struct rpc_outbox *outbox)
{
    drop_all(outbox);
    pthread_mutex_destroy(&outbox->lock);
}

bool rpc_outbox_put(struct rpc_outbox *outbox, struct span bytes)
{
    bool fits = outbox->bytes == 0 || outbox->bytes + bytes.size <= LIMIT_STREAM_UNSENT_BYTES;
    struct rpc_message *message = !outbox->refuses && !outbox->is_closed && fits ? malloc(sizeof *message) : NULL;
    grpc_slice slice;

    if (!message) {
        return false;
    }
    slice = grpc_slice_from_copied_buffer(bytes.data, bytes.size);
    *message = (struct rpc_message){.bytes = bytes.size, .buffer = grpc_raw_byte_buffer_create(&slice, 1)};
    grpc_slice_unref(slice);
    if (outbox->last) {
        outbox->last->next = message;
    } else {
        outbox->first = message;
    }
    outbox->last = message;
    outbox->bytes += bytes.size;
    return true;
}

grpc_byte_buffer *rpc_outbox_take(struct rpc_outbox *outbox, size_t *ret_bytes)
{
    struct rpc_message *message = outbox->first;
    grpc_byte_buffer *buffer;

    if (!message) {
        return NULL;
    }
    outbox->first = message->next;
    if (!outbox->first) {
        outbox->last = NULL;
    }
    buffer = message->buffer;
    *ret_bytes = message->bytes;
    free(message);
    return buffer;
}

void rpc_outbox_settle(struct rpc_outbox *outbox, size_t bytes)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->bytes -= bytes;
    pthread_mutex_unlock(&outbox->lock);
}

void rpc_outbox_refuse(struct rpc_outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    drop_all(outbox);
    outbox->refuses = true;
    pthread_mutex_unlock(&outbox->lock);
}

size_t rpc_outbox_bytes(struct rpc_outbox *outbox)
{
    size_t bytes;

    pthread_mutex_lock(&outbox->lock);
    bytes = outbox->bytes;
    pthread_mutex_unlock(&outbox->lock);
    return bytes;
}
