#include "server/rpc_answer.h"

#include <string.h>

#include "base/thread_check.h"
#include "job/wire.h"

/* A field's tag and length: at most 5 and 10 bytes. */
#define HEAD_BYTES_MAX 16
#define NEXT_PAGE_TOKEN_FIELD 2

void rpc_answer_init(struct rpc_answer *answer)
{
    answer->code = GRPC_STATUS_OK;
    answer->text = grpc_empty_slice();
    answer->has_message = false;
    answer->trailer_count = 0;
    answer->message.reserved = NULL;
    answer->message.type = GRPC_BB_RAW;
    answer->message.data.raw.compression = GRPC_COMPRESS_NONE;
    grpc_slice_buffer_init(&answer->message.data.raw.slice_buffer);
}

void rpc_answer_deinit(struct rpc_answer *answer)
{
    grpc_slice_unref(answer->text);
    grpc_slice_buffer_destroy(&answer->message.data.raw.slice_buffer);
    for (size_t i = 0; i < answer->trailer_count; i++) {
        grpc_slice_unref(answer->trailers[i].key);
        grpc_slice_unref(answer->trailers[i].value);
    }
    answer->trailer_count = 0;
}

void rpc_answer_add_trailer(struct rpc_answer *answer, const char *key, struct span value)
{
    grpc_metadata *trailer = &answer->trailers[answer->trailer_count];

    if (answer->trailer_count < RPC_TRAILERS_MAX) {
        memset(trailer, 0, sizeof *trailer);
        trailer->key = grpc_slice_from_copied_string(key);
        trailer->value = grpc_slice_from_copied_buffer(value.data, value.size);
        answer->trailer_count++;
    }
}

void rpc_answer_set_text(struct rpc_answer *answer, grpc_status_code code, const char *text)
{
    answer->code = code;
    answer->text = grpc_slice_from_copied_string(text);
}

static void unref_version(void *version)
{
    THREAD_HANDOVER_ACQUIRE(version);
    store_version_unref(version);
}

static void add_version(grpc_slice_buffer *buffer, struct store_version *version)
{
    struct span value = store_version_value(version);

    grpc_slice_buffer_add(buffer,
                          grpc_slice_new_with_user_data((void *)value.data, value.size, unref_version, version));
    THREAD_HANDOVER_RELEASE(version); /* C-core drops the slice on a thread of its own choice */
}

static void add_head(grpc_slice_buffer *buffer, uint32_t field, size_t size)
{
    char head[HEAD_BYTES_MAX];
    char *end = wire_put_head(head, field, size);

    grpc_slice_buffer_add(buffer, grpc_slice_from_copied_buffer(head, (size_t)(end - head)));
}

static void add_page(grpc_slice_buffer *buffer, const struct call_answer *from)
{
    struct store_page *page = from->page;

    for (uint32_t i = 0; i < page->count; i++) {
        add_head(buffer, from->items_field, store_version_value(page->versions[i]).size);
        add_version(buffer, store_version_ref(page->versions[i]));
    }
    store_page_release(page);
    if (from->next_page_token.size > 0) {
        add_head(buffer, NEXT_PAGE_TOKEN_FIELD, from->next_page_token.size);
        grpc_slice_buffer_add(buffer,
                              grpc_slice_from_copied_buffer(from->next_page_token.data, from->next_page_token.size));
    }
}

void rpc_answer_set(struct rpc_answer *answer, struct call_answer *from, bool with_message)
{
    grpc_slice_buffer *buffer = &answer->message.data.raw.slice_buffer;

    if (from->status.code != 0) {
        answer->code = (grpc_status_code)from->status.code;
        answer->text = grpc_slice_from_copied_buffer(from->status.message.data, from->status.message.size);
        if (from->status.details.size > 0) {
            rpc_answer_add_trailer(answer, "grpc-status-details-bin", from->status.details);
        }
        return;
    }
    answer->has_message = with_message;
    if (from->version) {
        add_version(buffer, from->version);
    } else if (from->page) {
        add_page(buffer, from);
    } else if (from->message.size > 0) {
        grpc_slice_buffer_add(buffer, grpc_slice_from_copied_buffer(from->message.data, from->message.size));
    }
}
