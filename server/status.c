#include "server/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "google/protobuf/any.upb.h"
#include "google/rpc/error_details.upb.h"
#include "google/rpc/status.upb.h"
#include "job/api.h"
#include "job/job_error.h"

#define DOMAIN "customjobd"
#define TYPE_PREFIX "type.googleapis.com/"
/* A client's default for all trailing metadata of a call is 8 KiB; a longer one is lost as a whole. The message is
 * percent-encoded there and stands in the details again, which are base64. */
#define MESSAGE_ENCODED_BYTES_MAX 2048
#define DETAILS_BYTES_MAX 3600
/* Of the first violation, when it does not pass as a whole. */
#define LONE_FIELD_BYTES_MAX 600
#define LONE_MESSAGE_BYTES_MAX 1200

struct code_row {
    enum err_code err;
    int code; /* google.rpc.Code */
    const char *reason;
};

static const struct code_row code_rows[] = {
    {ERR_INVALID, 3, "INVALID_ARGUMENT"},
    {ERR_DEADLINE, 4, "DEADLINE_EXCEEDED"},
    {ERR_NOT_FOUND, 5, "RESOURCE_NOT_FOUND"},
    {ERR_EXISTS, 6, "RESOURCE_EXISTS"},
    {ERR_DENIED, 7, "PERMISSION_DENIED"},
    {ERR_EXHAUSTED, 8, "LIMIT_REACHED"},
    {ERR_PRECONDITION, 9, "FAILED_PRECONDITION"},
    {ERR_IN_USE, 9, "IN_USE"},
    {ERR_UNSUPPORTED, 12, "NOT_SUPPORTED"},
    {ERR_INTERNAL, 13, "INTERNAL"},
    {ERR_IO, 13, "IO_FAILED"},
    {ERR_UNAVAILABLE, 14, "UNAVAILABLE"},
    {ERR_CORRUPT, 15, "DATA_CORRUPT"},
};

static const struct code_row *row_of(enum err_code err)
{
    static const struct code_row internal = {ERR_INTERNAL, 13, "INTERNAL"};

    for (size_t i = 0; i < sizeof code_rows / sizeof code_rows[0]; i++) {
        if (code_rows[i].err == err) {
            return &code_rows[i];
        }
    }
    return &internal;
}

static upb_StringView view_of(const char *text)
{
    return upb_StringView_FromString(text);
}

/* How long a byte is once it is percent-encoded for grpc-message. */
static size_t encoded_size(unsigned char byte)
{
    return byte >= 0x20 && byte <= 0x7e && byte != '%' ? 1 : 3;
}

/* The longest head of text that stays within the bound and cuts no UTF-8 sequence. */
static struct span cut_text(struct span text, size_t encoded_max)
{
    size_t encoded = 0;
    size_t size = 0;

    while (size < text.size) {
        encoded += encoded_size((unsigned char)text.data[size]);
        if (encoded > encoded_max) {
            break;
        }
        size++;
    }
    while (size < text.size && size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size--;
    }
    return span_make(text.data, size);
}

/* A copy that every client can decode: a byte that is no UTF-8 becomes a question mark. */
static struct span copy_text(struct span text, struct upb_Arena *arena)
{
    char *copy = text.size > 0 ? upb_Arena_Malloc(arena, text.size) : NULL;

    if (!copy) {
        return span_make(NULL, 0);
    }
    memcpy(copy, text.data, text.size);
    text_make_utf8(copy, text.size);
    return span_make(copy, text.size);
}

/* value may be NULL: memory was gone. */
static bool add_detail(google_rpc_Status *status, const char *type, const char *value, size_t size,
                       struct upb_Arena *arena)
{
    google_protobuf_Any *any = value ? google_rpc_Status_add_details(status, arena) : NULL;

    if (!any) {
        return false;
    }
    google_protobuf_Any_set_type_url(any, view_of(type));
    google_protobuf_Any_set_value(any, upb_StringView_FromDataAndSize(value, size));
    return true;
}

static bool add_error_info(google_rpc_Status *status, const char *reason, struct upb_Arena *arena)
{
    google_rpc_ErrorInfo *info = google_rpc_ErrorInfo_new(arena);
    const char *bytes;
    size_t size = 0;

    if (!info) {
        return false;
    }
    google_rpc_ErrorInfo_set_reason(info, view_of(reason));
    google_rpc_ErrorInfo_set_domain(info, view_of(DOMAIN));
    bytes = google_rpc_ErrorInfo_serialize(info, arena, &size);
    return add_detail(status, TYPE_PREFIX "google.rpc.ErrorInfo", bytes, size, arena);
}

static bool contains(struct span text, const char *part)
{
    return text.size > 0 && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

static bool add_resource_info(google_rpc_Status *status, struct span name, struct upb_Arena *arena)
{
    google_rpc_ResourceInfo *info = google_rpc_ResourceInfo_new(arena);
    const char *bytes;
    size_t size = 0;

    if (!info) {
        return false;
    }
    if (contains(name, "/operations/")) {
        google_rpc_ResourceInfo_set_resource_type(info, view_of("longrunning.googleapis.com/Operation"));
    } else if (contains(name, "/customJobs/")) {
        google_rpc_ResourceInfo_set_resource_type(info, view_of("aiplatform.googleapis.com/CustomJob"));
    }
    google_rpc_ResourceInfo_set_resource_name(info, api_view(name));
    bytes = google_rpc_ResourceInfo_serialize(info, arena, &size);
    return add_detail(status, TYPE_PREFIX "google.rpc.ResourceInfo", bytes, size, arena);
}

/* Empty when the arena is full or the details would not pass. */
static struct span serialize(const google_rpc_Status *status, struct upb_Arena *arena)
{
    size_t size = 0;
    const char *bytes = google_rpc_Status_serialize(status, arena, &size);

    return bytes && size <= DETAILS_BYTES_MAX ? span_make(bytes, size) : span_make(NULL, 0);
}

static google_rpc_Status *begin(const struct status *head, const char *reason, struct upb_Arena *arena)
{
    google_rpc_Status *status = google_rpc_Status_new(arena);

    if (!status) {
        return NULL;
    }
    google_rpc_Status_set_code(status, head->code);
    google_rpc_Status_set_message(status, api_view(head->message));
    return add_error_info(status, reason, arena) ? status : NULL;
}

void status_from_err(const struct err *err, struct span resource_name, struct upb_Arena *arena,
                     struct status *ret_status)
{
    const struct code_row *row = row_of(err->code);
    google_rpc_Status *status;

    ret_status->code = row->code;
    ret_status->message = copy_text(cut_text(span_of(err->text), MESSAGE_ENCODED_BYTES_MAX), arena);
    ret_status->details = span_make(NULL, 0);
    status = begin(ret_status, row->reason, arena);
    if (status && (resource_name.size == 0 || add_resource_info(status, resource_name, arena))) {
        ret_status->details = serialize(status, arena);
    }
}

/* ---- violations ---- */

struct sentence {
    char text[MESSAGE_ENCODED_BYTES_MAX + 1];
    size_t size;
    size_t encoded;
};

/* All of it or nothing. */
static bool append(struct sentence *sentence, size_t keep_free, const char *format, ...) PRINTF_LIKE(3, 4);

static bool append(struct sentence *sentence, size_t keep_free, const char *format, ...)
{
    size_t room = sizeof sentence->text - sentence->size;
    size_t encoded = sentence->encoded;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(sentence->text + sentence->size, room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= room) {
        return false;
    }
    for (int i = 0; i < size; i++) {
        encoded += encoded_size((unsigned char)sentence->text[sentence->size + (size_t)i]);
    }
    if (encoded + keep_free > MESSAGE_ENCODED_BYTES_MAX) {
        return false;
    }
    sentence->size += (size_t)size;
    sentence->encoded = encoded;
    return true;
}

static size_t kept_of(const struct violations *violations)
{
    return violations->count < VIOLATIONS_MAX ? violations->count : VIOLATIONS_MAX;
}

/* As many as fit; returns how many. */
static size_t tell_violations(struct sentence *sentence, const struct violations *violations)
{
    const size_t keep_free = 64; /* for the count of the others */
    size_t told = 0;

    (void)append(sentence, keep_free, "List of found errors:\t");
    while (told < kept_of(violations) && append(sentence, keep_free, "%zu.Field: %s; Message: %s\t", told + 1,
                                                violations->items[told].field, violations->items[told].message)) {
        told++;
    }
    if (told == 0 && kept_of(violations) > 0) {
        struct span field = cut_text(span_of(violations->items[0].field), LONE_FIELD_BYTES_MAX);
        struct span message = cut_text(span_of(violations->items[0].message), LONE_MESSAGE_BYTES_MAX);

        (void)append(sentence, keep_free, "1.Field: %.*s; Message: %.*s…\t", SPAN_FORMAT(field), SPAN_FORMAT(message));
        told = 1;
    }
    if (told < violations->count) {
        (void)append(sentence, 0, "and %zu more.\t", violations->count - told);
    }
    return told;
}

static bool add_bad_request(google_rpc_Status *status, const struct violations *violations, size_t count,
                            struct upb_Arena *arena)
{
    google_rpc_BadRequest *bad = google_rpc_BadRequest_new(arena);
    const char *bytes;
    size_t size = 0;

    if (!bad) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        google_rpc_BadRequest_FieldViolation *item = google_rpc_BadRequest_add_field_violations(bad, arena);

        if (!item) {
            return false;
        }
        google_rpc_BadRequest_FieldViolation_set_field(item, view_of(violations->items[i].field));
        google_rpc_BadRequest_FieldViolation_set_description(item, view_of(violations->items[i].message));
    }
    bytes = google_rpc_BadRequest_serialize(bad, arena, &size);
    return add_detail(status, TYPE_PREFIX "google.rpc.BadRequest", bytes, size, arena);
}

void status_from_violations(const struct violations *violations, struct upb_Arena *arena, struct status *ret_status)
{
    const struct code_row *row = row_of(ERR_INVALID);
    struct sentence sentence = {.size = 0};
    size_t told = tell_violations(&sentence, violations);

    ret_status->code = row->code;
    ret_status->message = copy_text(span_make(sentence.text, sentence.size), arena);
    ret_status->details = span_make(NULL, 0);
    /* Fewer violations until the details pass: their texts stand there a second time. */
    for (size_t count = told; ret_status->details.size == 0; count /= 2) {
        google_rpc_Status *status = begin(ret_status, row->reason, arena);

        if (status && add_bad_request(status, violations, count, arena)) {
            ret_status->details = serialize(status, arena);
        }
        if (count == 0 || !status) {
            return;
        }
    }
}
