#include "server/rest_call.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "server/call_faults.h"
#include "server/call_state.h"
#include "server/json_message.h"
#include "server/rest_answer.h"
#include "server/rest_cache.h"
#include "server/rest_request.h"
#include "server/rest_route.h"
#include "server/rpc_dispatch.h"

#define RESOURCE_EXHAUSTED 8
#define REQUEST_ID_HEADER "x-goog-request-id"
#define TRAILERS_MAX 4

struct trailer {
    struct span name; /* NUL terminated */
    struct span value;
};

struct rest_call {
    struct call call; /* first */
    struct rest *rest;
    struct http_exchange *exchange;
    const struct rest_method *method;
    struct rest_request request;
    int64_t deadline_mono_ns;
    struct call_answer answer;
    struct store_page page;     /* answer.page points here */
    struct text text;           /* the answer's JSON, */
    struct rest_cached *cached; /* or this is */
    struct trailer trailers[TRAILERS_MAX];
    size_t trailer_count;
    struct call_fate fate;
    struct call_wait wait;
};

/* False: no memory. */
static bool copy_to_arena(struct call *call, struct span bytes, struct span *ret_copy)
{
    char *copy = upb_Arena_Malloc(call_arena(call), bytes.size + 1);

    if (!copy) {
        return false;
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    copy[bytes.size] = '\0';
    *ret_copy = span_make(copy, bytes.size);
    return true;
}

/* ---- what handlers ask ---- */

/* Copied, since a client that goes takes its headers with it and the controller may still read them. */
static struct span metadata(const struct call *base, const char *key)
{
    struct rest_call *call = (struct rest_call *)(void *)base;
    struct span value = http_exchange_header(call->exchange, key);

    if (value.size == 0 && strcmp(key, REQUEST_ID_HEADER) == 0) {
        return call->request.request_id;
    }
    return value.size > 0 && copy_to_arena(&call->call, value, &value) ? value : span_make("", 0);
}

static int64_t deadline_mono_ns(const struct call *base)
{
    return ((const struct rest_call *)base)->deadline_mono_ns;
}

static bool is_gone(const struct call *base)
{
    return http_exchange_is_gone(((const struct rest_call *)base)->exchange);
}

/* ---- answers ---- */

static void drop_message(struct call_answer *answer)
{
    if (answer->version) {
        store_version_unref(answer->version);
    }
    if (answer->page) {
        store_page_release(answer->page);
    }
    *answer = (struct call_answer){.status.code = 0};
}

/* It is done, and its client does not learn that. */
static void lose_answer(struct rest_call *call)
{
    drop_message(&call->answer);
    call->answer.status.code = call->fate.code;
    call->answer.status.message = span_of(call->fate.message);
}

/* A row's text may be there already, or is kept. */
static int write_answer(struct rest_call *call, struct span *ret_body)
{
    const struct rest_style *style = &call->request.style;
    const struct upb_MessageDef *type = call->method->response;
    struct rest_cache *cache = call->rest->cache;
    struct store_version *version = call->answer.status.code == 0 && !style->is_pretty ? call->answer.version : NULL;
    int http;

    call->cached = version ? rest_cache_find(cache, version, type, style->enums_as_numbers) : NULL;
    if (call->cached) {
        store_version_unref(version);
        *ret_body = rest_cached_text(call->cached);
        return rest_http_status(0);
    }
    if (version) {
        (void)store_version_ref(version);
    }
    http = rest_answer_write(call->rest->types, call->method, style, &call->answer, &call->text);
    *ret_body = text_span(&call->text);
    if (version) {
        if (http == rest_http_status(0)) {
            rest_cache_put(cache, version, type, style->enums_as_numbers, *ret_body);
        }
        store_version_unref(version);
    }
    return http;
}

/* On the HTTP thread. Trailers of a call are headers here. */
static void finish(void *state)
{
    struct rest_call *call = state;
    struct http_exchange *exchange = call->exchange;
    struct span body;
    int http;

    if (call->fate.code != 0) {
        lose_answer(call);
    }
    http = write_answer(call, &body);
    for (size_t i = 0; i < call->trailer_count; i++) {
        http_exchange_add_header(exchange, call->trailers[i].name.data, call->trailers[i].value);
    }
    http_exchange_answer(exchange, http, REST_JSON, body);
}

/* Makes the answer one that outlives the handler's; false: no memory. */
static bool keep_answer(struct rest_call *call, const struct call_answer *answer)
{
    call->answer = *answer;
    if (answer->page) {
        call->page = *answer->page;
        call->answer.page = &call->page;
    }
    return copy_to_arena(&call->call, answer->message, &call->answer.message) &&
           copy_to_arena(&call->call, answer->next_page_token, &call->answer.next_page_token);
}

static void end(struct call *base, struct call_answer *answer)
{
    struct rest_call *call = (struct rest_call *)base;

    if (!keep_answer(call, answer)) {
        drop_message(&call->answer);
        call->answer.status =
            (struct status){.code = RESOURCE_EXHAUSTED, .message = span_of("no memory for an answer")};
    }
    if (http_exchange_is_own_thread(call->exchange)) {
        finish(call);
    } else {
        http_exchange_post(call->exchange, finish);
    }
}

static void add_trailer(struct call *base, const char *key, struct span value)
{
    struct rest_call *call = (struct rest_call *)base;
    struct trailer *trailer = &call->trailers[call->trailer_count];

    if (call->trailer_count < TRAILERS_MAX && copy_to_arena(base, span_of(key), &trailer->name) &&
        copy_to_arena(base, value, &trailer->value)) {
        call->trailer_count++;
    }
}

/* No method that streams has a path. */
static bool send(struct call *base, struct span message)
{
    (void)base;
    (void)message;
    return false;
}

static size_t pending(const struct call *base)
{
    (void)base;
    return 0;
}

static const struct call_ops ops = {
    .metadata = metadata,
    .deadline_mono_ns = deadline_mono_ns,
    .is_gone = is_gone,
    .add_trailer = add_trailer,
    .end = end,
    .send = send,
    .pending = pending,
};

/* ---- from the request to the handler ---- */

static void notice_gone(void *state)
{
    struct rest_call *call = state;
    call_gone_fn gone = call->call.gone;

    if (gone) {
        call->call.gone = NULL;
        gone(&call->call, call->call.gone_context);
    }
}

static void finish_with(struct rest_call *call, enum err_code code, const char *text)
{
    struct err err = ERR_INIT;

    err_set(&err, code, "%s", text);
    call_reply_error(&call->call, &err, span_make("", 0));
}

/* What answers may be the call's last act: nothing of it is touched after. */
static void run_handler(void *state)
{
    struct rest_call *call = state;

    if (call->fate.code != 0 && !call->fate.answer_lost) {
        finish(call);
    } else if (http_exchange_is_gone(call->exchange)) {
        finish_with(call, ERR_UNAVAILABLE, "the client is gone"); /* while it was kept waiting */
    } else {
        http_exchange_on_gone(call->exchange, notice_gone);
        call->call.method->handler(&call->call);
    }
}

static void wait_over(struct call_wait *wait)
{
    struct rest_call *call = (struct rest_call *)(void *)((char *)wait - offsetof(struct rest_call, wait));

    http_exchange_post(call->exchange, run_handler);
}

static void begin(struct rest_call *call, struct span name)
{
    struct http_exchange *exchange = call->exchange;
    struct call_faults *faults = call->rest->services->faults;
    struct rest_source source = {.method = call->method,
                                 .name = name,
                                 .query = http_exchange_query(exchange),
                                 .body = http_exchange_body(exchange)};
    struct err err = ERR_INIT;

    if (rest_request_read(call->rest->types, &source, call_arena(&call->call), &call->request, &err)) {
        call_reply_error(&call->call, &err, span_make("", 0));
        return;
    }
    call->call.request = call->request.wire;
    if (faults && call_faults_take(faults, span_of(call->call.method->path), &call->fate) &&
        call->fate.latency_ns > 0) {
        call->wait.over = wait_over;
        call_faults_wait(faults, &call->wait, call->fate.latency_ns);
        return;
    }
    run_handler(call);
}

static void release(void *state)
{
    struct rest_call *call = state;

    call->rest->calls--;
    call_deinit(&call->call);
    text_deinit(&call->text);
    rest_cached_unref(call->cached);
    free(call);
}

void rest_call_start(struct rest *rest, struct http_exchange *exchange, const struct rest_path *path)
{
    struct rest_call *call = calloc(1, sizeof *call);
    struct err err = ERR_INIT;

    if (!call) {
        err_set(&err, ERR_EXHAUSTED, "no memory for a call");
        rest_refuse(rest, exchange, &err);
        return;
    }
    call->call.ops = &ops;
    call->call.services = rest->services;
    call->call.method = path->method->method;
    call->call.principal = span_make("", 0);
    call->rest = rest;
    call->exchange = exchange;
    call->method = path->method;
    call->deadline_mono_ns = clock_mono_ns(rest->services->clock) + LIMIT_HTTP_CALL_S * CLOCK_NS_PER_S;
    rest->calls++;
    http_exchange_own(exchange, call, release);
    if (rest->calls > LIMIT_CALLS_IN_FLIGHT) {
        finish_with(call, ERR_EXHAUSTED, "too many calls are under way, and the server takes no more: try again later");
        return;
    }
    begin(call, path->name);
}
