#include "server/json_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "google/cloud/aiplatform/v1/job_service.upbdefs.h"
#include "google/cloud/aiplatform/v1/operation.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/job_service.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/operation.upbdefs.h"
#include "google/cloud/location/locations.upbdefs.h"
#include "google/logging/v2/logging.upbdefs.h"
#include "google/longrunning/operations.upbdefs.h"
#include "google/rpc/error_details.upbdefs.h"
#include "google/rpc/status.upbdefs.h"
#include "job/job_spec_text.h"
#include "server/json_check.h"
#include "upb/decode.h"
#include "upb/def.h"
#include "upb/encode.h"
#include "upb/json_decode.h"
#include "upb/json_encode.h"
#include "upb/reflection.h"

#define NAME_BYTES 256
/* A level of JSON in a log entry is three of messages. */
#define ANSWER_DEPTH 128
/* JSON is larger than what it is made of: names, quotes, numbers as text. */
#define TEXT_BYTES_PER_WIRE_BYTE 3
#define TEXT_BYTES_LEAST 512

struct json_types {
    upb_DefPool *pool;
};

static _upb_DefPool_Init *const files[] = {
    &google_cloud_aiplatform_v1_job_service_proto_upbdefinit,
    &google_cloud_aiplatform_v1_operation_proto_upbdefinit,
    &google_cloud_aiplatform_v1beta1_job_service_proto_upbdefinit,
    &google_cloud_aiplatform_v1beta1_operation_proto_upbdefinit,
    &google_longrunning_operations_proto_upbdefinit,
    &google_cloud_location_locations_proto_upbdefinit,
    &google_logging_v2_logging_proto_upbdefinit,
    &google_rpc_error_details_proto_upbdefinit,
    &google_rpc_status_proto_upbdefinit,
};

int json_types_create(struct json_types **ret_types, struct err *err)
{
    struct json_types *types = calloc(1, sizeof *types);

    if (types) {
        types->pool = upb_DefPool_New();
    }
    if (!types || !types->pool) {
        free(types);
        return err_set(err, ERR_EXHAUSTED, "no memory for the definitions of messages");
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!_upb_DefPool_LoadDefInit(types->pool, files[i])) {
            json_types_destroy(types);
            return err_set(err, ERR_INTERNAL, "the descriptor of %s does not load", files[i]->filename);
        }
    }
    *ret_types = types;
    return 0;
}

void json_types_destroy(struct json_types *types)
{
    if (types) {
        upb_DefPool_Free(types->pool);
        free(types);
    }
}

const upb_MethodDef *json_types_method(const struct json_types *types, const char *path)
{
    const char *slash = strrchr(path, '/');
    const upb_ServiceDef *service;
    char name[NAME_BYTES];
    size_t size = (size_t)(slash - path);

    if (size < 1 || size >= sizeof name) {
        return NULL;
    }
    memcpy(name, path + 1, size - 1);
    name[size - 1] = '\0';
    service = upb_DefPool_FindServiceByName(types->pool, name);
    return service ? upb_ServiceDef_FindMethodByName(service, slash + 1) : NULL;
}

const upb_MessageDef *json_types_message(const struct json_types *types, const char *name)
{
    return upb_DefPool_FindMessageByName(types->pool, name);
}

/* ---- reading ---- */

/* "Error parsing JSON @3:7: …" of upb, in our own sentence. */
static int tell_fault(const upb_Status *status, struct err *err)
{
    const char *said = upb_Status_ErrorMessage(status);
    const char *place = strchr(said, '@');
    long line, column;
    char *end;

    if (place) {
        line = strtol(place + 1, &end, 10);
        if (*end == ':') {
            column = strtol(end + 1, &end, 10);
            return err_set(err, ERR_INVALID, "Invalid JSON payload received. Line %ld, column %ld%s", line, column + 1,
                           end);
        }
    }
    return err_set(err, ERR_INVALID, "Invalid JSON payload received. %s", said);
}

/* upb refuses the escape of the last character of all, U+10FFFF: it becomes the four bytes that it means. */
static int spell_out_last(struct span json, upb_Arena *arena, struct span *ret_json, struct err *err)
{
    static const char escape[] = "\\udbff\\udfff";
    static const char character[] = "\xf4\x8f\xbf\xbf";
    const size_t size = sizeof escape - 1;
    char *copy, *at;

    copy = at = upb_Arena_Malloc(arena, json.size + 1);
    if (!copy) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a request of %zu bytes", json.size);
    }
    while (json.size > 0) {
        size_t taken = json.data[0] == '\\' && json.size > 1 ? 2 : 1;

        if (json.size >= size && strncasecmp(json.data, escape, size) == 0) {
            memcpy(at, character, sizeof character - 1);
            at += sizeof character - 1;
            taken = size;
        } else {
            memcpy(at, json.data, taken);
            at += taken;
        }
        json = span_skip(json, taken);
    }
    *ret_json = span_make(copy, (size_t)(at - copy));
    return 0;
}

static bool has_last_escaped(struct span json)
{
    static const char half[] = "\\udfff";

    for (size_t i = 0; i + sizeof half - 1 <= json.size; i++) {
        const char *found = memchr(json.data + i, '\\', json.size - i);

        if (!found) {
            return false;
        }
        i = (size_t)(found - json.data);
        if (i + sizeof half - 1 <= json.size && strncasecmp(found, half, sizeof half - 1) == 0) {
            return true;
        }
    }
    return false;
}

int json_message_read(const struct json_types *types, const upb_MessageDef *type, struct span json, const char *root,
                      upb_Arena *arena, struct span *ret_wire, struct err *err)
{
    upb_Message *message;
    upb_Status status;
    char *wire = NULL;
    size_t size = 0;

    if (json_check(json, type, root, arena, err) ||
        (has_last_escaped(json) && spell_out_last(json, arena, &json, err))) {
        return -1;
    }
    message = upb_Message_New(type, arena);
    if (!message) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a request of %zu bytes", json.size);
    }
    upb_Status_Clear(&status);
    if (!upb_JsonDecode(json.data, json.size, message, type, types->pool, 0, arena, &status)) {
        return tell_fault(&status, err);
    }
    if (upb_Encode(message, upb_MessageDef_MiniTable(type), 0, arena, &wire, &size) != kUpb_EncodeStatus_Ok) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a request of %zu bytes", json.size);
    }
    *ret_wire = span_make(wire, size);
    return 0;
}

/* ---- writing ---- */

static int encode(const struct json_types *types, const upb_Message *message, const upb_MessageDef *type, int options,
                  size_t room, struct text *text, struct err *err)
{
    size_t start = text->size;
    upb_Status status;
    size_t size;

    for (;;) {
        text_add_repeated(text, ' ', room);
        if (text_check(text, err)) {
            return -1;
        }
        upb_Status_Clear(&status);
        size = upb_JsonEncode(message, type, types->pool, options, text->data + start, room, &status);
        if (!upb_Status_IsOk(&status)) {
            text_cut(text, start);
            return err_set(err, ERR_INTERNAL, "the answer cannot be written as JSON: %s",
                           upb_Status_ErrorMessage(&status));
        }
        text_cut(text, start + (size < room ? size : 0));
        if (size < room) {
            return 0;
        }
        room = size + 1;
    }
}

int json_message_write(const struct json_types *types, const upb_MessageDef *type, struct span wire,
                       bool enums_as_numbers, struct text *text, struct err *err)
{
    const int options = enums_as_numbers ? upb_JsonEncode_FormatEnumsAsIntegers : 0;
    const int depth = UPB_DECODE_MAXDEPTH(ANSWER_DEPTH);
    size_t room = wire.size * TEXT_BYTES_PER_WIRE_BYTE + TEXT_BYTES_LEAST;
    upb_Arena *arena = upb_Arena_New();
    upb_Message *message = arena ? upb_Message_New(type, arena) : NULL;
    int result;

    if (!message) {
        result = err_set(err, ERR_EXHAUSTED, "no memory to write an answer");
    } else if (upb_Decode(wire.data, wire.size, message, upb_MessageDef_MiniTable(type), NULL,
                          kUpb_DecodeOption_AliasString | depth, arena) != kUpb_DecodeStatus_Ok) {
        result = err_set(err, ERR_INTERNAL, "the answer, %zu bytes, is no %s", wire.size, upb_MessageDef_Name(type));
    } else {
        result = encode(types, message, type, options, room, text, err);
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
    return result;
}

/* ---- text ---- */

static void add_control(struct text *text, unsigned char character)
{
    static const char short_forms[] = "\b\f\n\r\t";
    static const char letters[] = "bfnrt";
    const char *found = memchr(short_forms, character, sizeof short_forms - 1);

    if (found) {
        text_add_format(text, "\\%c", letters[found - short_forms]);
    } else {
        text_add_format(text, "\\u%04x", (unsigned)character);
    }
}

void json_add_string(struct text *text, struct span value)
{
    text_add_char(text, '"');
    while (value.size > 0) {
        struct span before = value;
        uint32_t character;
        unsigned char first = (unsigned char)value.data[0];

        if (first == '"' || first == '\\') {
            text_add_char(text, '\\');
            text_add_char(text, (char)first);
            value = span_skip(value, 1);
        } else if (first < 0x20) {
            add_control(text, first);
            value = span_skip(value, 1);
        } else if (text_next(&value, &character)) {
            text_add(text, span_make(before.data, before.size - value.size));
        } else {
            text_add_char(text, '?');
            value = span_skip(before, 1);
        }
    }
    text_add_char(text, '"');
}

static void new_line(struct text *text, size_t depth)
{
    text_add_char(text, '\n');
    text_add_repeated(text, ' ', 2 * depth);
}

/* The end of a string that begins at at. */
static size_t string_end(struct span json, size_t at)
{
    for (at++; at < json.size && json.data[at] != '"'; at++) {
        at += json.data[at] == '\\';
    }
    return at < json.size ? at + 1 : json.size;
}

void json_add_pretty(struct text *text, struct span json)
{
    size_t depth = 0;

    for (size_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        bool is_empty = i + 1 < json.size && (json.data[i + 1] == '}' || json.data[i + 1] == ']');

        if (c == '"') {
            size_t end = string_end(json, i);

            text_add(text, span_make(json.data + i, end - i));
            i = end - 1;
        } else if ((c == '{' || c == '[') && !is_empty) {
            text_add_char(text, c);
            new_line(text, ++depth);
        } else if ((c == '}' || c == ']') && json.data[i - 1] != '{' && json.data[i - 1] != '[') {
            new_line(text, --depth);
            text_add_char(text, c);
        } else {
            text_add_char(text, c);
            if (c == ',') {
                new_line(text, depth);
            } else if (c == ':') {
                text_add_char(text, ' ');
            }
        }
    }
    text_add_char(text, '\n');
}
