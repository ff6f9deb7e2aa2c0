#include "server/gcs_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "server/gcs_json.h"
#include "server/http_exchange.h"

#define JSON_TYPE "application/json; charset=UTF-8"

/* ---- on a worker ---- */

void gcs_call_add_header(struct gcs_call *call, const char *name, const char *format, ...)
{
    struct gcs_header *header = &call->headers[call->header_count];
    va_list arguments;
    int size;

    if (call->header_count == GCS_HEADERS_MAX) {
        return;
    }
    va_start(arguments, format);
    size = vsnprintf(header->value, sizeof header->value, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size < sizeof header->value) {
        header->name = name;
        call->header_count++;
    }
}

static void send_answer(struct gcs_call *call)
{
    struct span body = span_of(call->text);

    gcs_call_send_headers(call);
    http_exchange_answer(call->exchange, call->status, body.size > 0 ? JSON_TYPE : NULL, body);
}

void gcs_call_answer_empty(struct gcs_call *call, int status)
{
    call->status = status;
    call->resume = send_answer;
}

void gcs_call_answer(struct gcs_call *call, int status, json_t *body)
{
    call->text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    gcs_call_answer_empty(call, call->text ? status : 500);
}

void gcs_call_fail(struct gcs_call *call, const struct err *err)
{
    enum gcs_method method = call->request.route.method;
    bool reads = method == GCS_GET_OBJECT || method == GCS_DOWNLOAD_OBJECT;
    const struct object_conditions *asked = &call->request.conditions;
    bool not_modified =
        reads && (asked->generation_not_match != OBJECT_ANY || asked->metageneration_not_match != OBJECT_ANY);
    int status = gcs_http_status(err, not_modified);

    call->header_count = 0;
    if (status == 304) {
        gcs_call_answer_empty(call, status);
    } else {
        gcs_call_answer(call, status, gcs_json_error(status, err));
    }
}

/* ---- on the HTTP thread ---- */

void gcs_call_send_headers(struct gcs_call *call)
{
    for (size_t i = 0; i < call->header_count; i++) {
        http_exchange_add_header(call->exchange, call->headers[i].name, span_of(call->headers[i].value));
    }
}

void gcs_call_take_piece(struct gcs_call *call)
{
    struct span body = http_exchange_body(call->exchange);
    uint64_t left = call->request.media_bytes - call->media_taken;
    size_t size = left < LIMIT_OBJECT_PIECE_BYTES ? (size_t)left : LIMIT_OBJECT_PIECE_BYTES;

    if (size > 0) {
        memcpy(call->piece, body.data + call->request.media_offset + call->media_taken, size);
    }
    call->piece_bytes = size;
    call->media_taken += size;
}

void gcs_call_feed(struct gcs_call *call)
{
    if (http_exchange_is_gone(call->exchange)) {
        http_exchange_answer(call->exchange, 499, NULL, span_make("", 0)); /* and its bytes with it */
        return;
    }
    gcs_call_take_piece(call);
    gcs_call_post(call);
}
