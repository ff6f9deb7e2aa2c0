#include "server/rest_answer.h"

#include "google/protobuf/any.upb.h"
#include "google/rpc/status.upb.h"
#include "job/api.h"
#include "server/json_message.h"
#include "server/rest_route.h"
#include "upb/def.h"

#define NEXT_PAGE_TOKEN_FIELD 2
#define UNKNOWN 2
#define INTERNAL 13

static const struct {
    int http;
    const char *name;
} codes[] = {
    {200, "OK"},
    {499, "CANCELLED"},
    {500, "UNKNOWN"},
    {400, "INVALID_ARGUMENT"},
    {504, "DEADLINE_EXCEEDED"},
    {404, "NOT_FOUND"},
    {409, "ALREADY_EXISTS"},
    {403, "PERMISSION_DENIED"},
    {429, "RESOURCE_EXHAUSTED"},
    {400, "FAILED_PRECONDITION"},
    {409, "ABORTED"},
    {400, "OUT_OF_RANGE"},
    {501, "UNIMPLEMENTED"},
    {500, "INTERNAL"},
    {503, "UNAVAILABLE"},
    {500, "DATA_LOSS"},
    {401, "UNAUTHENTICATED"},
};

static int known_code(int code)
{
    return code >= 0 && (size_t)code < sizeof codes / sizeof codes[0] ? code : UNKNOWN;
}

int rest_http_status(int code)
{
    return codes[known_code(code)].http;
}

/* ---- errors ---- */

/* The details of a google.rpc.Status, a list of JSON objects; nothing when there are none or they cannot be read. */
static void add_details(const struct json_types *types, struct span wire, struct text *text)
{
    const upb_MessageDef *any = json_types_message(types, "google.protobuf.Any");
    upb_Arena *arena = upb_Arena_New();
    const google_rpc_Status *status = arena ? google_rpc_Status_parse(wire.data, wire.size, arena) : NULL;
    size_t count = 0, written = 0;
    const google_protobuf_Any *const *details = status ? google_rpc_Status_details(status, &count) : NULL;

    for (size_t i = 0; any && i < count; i++) {
        struct err err = ERR_INIT;
        size_t size = 0;
        const char *bytes = google_protobuf_Any_serialize(details[i], arena, &size);
        size_t start = text->size;

        text_add_text(text, written > 0 ? "," : ",\"details\":[");
        if (!bytes || json_message_write(types, any, span_make(bytes, size), false, text, &err)) {
            text_cut(text, start);
        } else {
            written++;
        }
    }
    if (written > 0) {
        text_add_char(text, ']');
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
}

static void make_pretty(const struct rest_style *style, struct text *text)
{
    struct text pretty = {.data = NULL};

    if (!style->is_pretty) {
        return;
    }
    json_add_pretty(&pretty, text_span(text));
    if (pretty.failed) {
        text_deinit(&pretty); /* then as it is */
        return;
    }
    text_deinit(text);
    *text = pretty;
}

int rest_error_write(const struct json_types *types, const struct rest_style *style, const struct status *status,
                     int http, struct text *text)
{
    int code = known_code(status->code);

    if (http == 0) {
        http = codes[code].http;
    }
    text_add_format(text, "{\"error\":{\"code\":%d,\"message\":", http);
    json_add_string(text, status->message);
    text_add_format(text, ",\"status\":\"%s\"", codes[code].name);
    if (status->details.size > 0) {
        add_details(types, status->details, text);
    }
    text_add_text(text, "}}");
    make_pretty(style, text);
    return http;
}

/* ---- messages ---- */

static int write_page(const struct json_types *types, const struct rest_method *method, const struct rest_style *style,
                      const struct call_answer *answer, struct text *text, struct err *err)
{
    const upb_FieldDef *items = upb_MessageDef_FindFieldByNumber(method->response, answer->items_field);
    const upb_FieldDef *token = upb_MessageDef_FindFieldByNumber(method->response, NEXT_PAGE_TOKEN_FIELD);
    const struct store_page *page = answer->page;

    text_add_char(text, '{');
    if (page->count > 0) {
        text_add_format(text, "\"%s\":[", upb_FieldDef_JsonName(items));
    }
    for (uint32_t i = 0; i < page->count; i++) {
        if (i > 0) {
            text_add_char(text, ',');
        }
        if (json_message_write(types, upb_FieldDef_MessageSubDef(items), store_version_value(page->versions[i]),
                               style->enums_as_numbers, text, err)) {
            return -1;
        }
    }
    if (page->count > 0) {
        text_add_char(text, ']');
    }
    if (answer->next_page_token.size > 0) {
        text_add_format(text, "%s\"%s\":", page->count > 0 ? "," : "", upb_FieldDef_JsonName(token));
        json_add_string(text, answer->next_page_token);
    }
    text_add_char(text, '}');
    return text_check(text, err);
}

static int write_message(const struct json_types *types, const struct rest_method *method,
                         const struct rest_style *style, const struct call_answer *answer, struct text *text,
                         struct err *err)
{
    struct span wire = answer->message;

    if (answer->page) {
        return write_page(types, method, style, answer, text, err);
    }
    if (answer->version) {
        wire = store_version_value(answer->version);
    }
    return json_message_write(types, method->response, wire, style->enums_as_numbers, text, err);
}

static int write_failure(const struct json_types *types, const struct rest_style *style, const struct err *err,
                         struct text *text)
{
    struct status status = {.code = INTERNAL, .message = span_of(err->text)};

    text_deinit(text);
    return rest_error_write(types, style, &status, 0, text);
}

int rest_answer_write(const struct json_types *types, const struct rest_method *method, const struct rest_style *style,
                      struct call_answer *answer, struct text *text)
{
    struct err err = ERR_INIT;
    int http = rest_http_status(0);

    if (answer->status.code != 0) {
        return rest_error_write(types, style, &answer->status, 0, text);
    }
    if (write_message(types, method, style, answer, text, &err)) {
        http = write_failure(types, style, &err, text);
    } else {
        make_pretty(style, text);
    }
    if (answer->version) {
        store_version_unref(answer->version);
    }
    if (answer->page) {
        store_page_release(answer->page);
    }
    return http;
}
