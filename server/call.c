#include "server/call.h"

#include <string.h>

#include "server/call_state.h"
#include "server/rpc_dispatch.h"

struct upb_Arena *call_arena(struct call *call)
{
    if (!call->arena) {
        /* The block holds the arena's own head, so that this cannot fail. */
        call->arena = upb_Arena_Init(call->arena_block, sizeof call->arena_block, &upb_alloc_global);
    }
    return call->arena;
}

void call_deinit(struct call *call)
{
    if (call->arena) {
        upb_Arena_Free(call->arena);
        call->arena = NULL;
    }
}

void *call_allocate(struct call *call, size_t size)
{
    void *memory = upb_Arena_Malloc(call_arena(call), size);

    if (memory) {
        memset(memory, 0, size);
    }
    return memory;
}

struct span call_request(const struct call *call)
{
    return call->request;
}

struct span call_method(const struct call *call)
{
    return span_of(call->method->path);
}

enum api_version call_api_version(const struct call *call)
{
    return call->method->version;
}

const struct services *call_services(const struct call *call)
{
    return call->services;
}

struct span call_principal(const struct call *call)
{
    return call->principal;
}

int64_t call_deadline_mono_ns(const struct call *call)
{
    return call->ops->deadline_mono_ns(call);
}

struct span call_metadata(const struct call *call, const char *key)
{
    return call->ops->metadata(call, key);
}

bool call_is_cancelled(const struct call *call)
{
    return call->ops->is_gone(call);
}

void call_add_trailer(struct call *call, const char *key, struct span value)
{
    call->ops->add_trailer(call, key, value);
}

void call_on_gone(struct call *call, call_gone_fn notice, void *context)
{
    call->gone = notice;
    call->gone_context = context;
}

void call_reply(struct call *call, struct span message)
{
    struct call_answer answer = {.message = message};

    call->ops->end(call, &answer);
}

void call_reply_version(struct call *call, struct store_version *version)
{
    struct call_answer answer = {.version = version};

    call->ops->end(call, &answer);
}

void call_reply_page(struct call *call, uint32_t items_field, struct store_page *page, struct span next_page_token)
{
    struct call_answer answer = {.page = page, .items_field = items_field, .next_page_token = next_page_token};

    call->ops->end(call, &answer);
}

void call_reply_error(struct call *call, const struct err *err, struct span resource_name)
{
    struct call_answer answer = {.status.code = 0};

    status_from_err(err, resource_name, call_arena(call), &answer.status);
    call->ops->end(call, &answer);
}

void call_reply_violations(struct call *call, const struct violations *violations)
{
    struct call_answer answer = {.status.code = 0};

    status_from_violations(violations, call_arena(call), &answer.status);
    call->ops->end(call, &answer);
}

bool call_stream_send(struct call *call, struct span message)
{
    return call->ops->send(call, message);
}

size_t call_stream_pending(const struct call *call)
{
    return call->ops->pending(call);
}

void call_stream_end(struct call *call, const struct err *err)
{
    struct call_answer answer = {.status.code = 0};

    if (err) {
        status_from_err(err, span_make(NULL, 0), call_arena(call), &answer.status);
    }
    call->ops->end(call, &answer);
}
