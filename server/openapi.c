#include "server/openapi.h"

#include <stdio.h>

#include "base/limits.h"
#include "google/protobuf/descriptor.upb.h"
#include "job/wire.h"
#include "server/json_message.h"
#include "server/rest_route.h"
#include "server/rpc_dispatch.h"
#include "upb/arena.h"
#include "upb/def.h"

#ifndef CUSTOMJOBD_VERSION
#define CUSTOMJOBD_VERSION "unknown"
#endif

#define SCHEMAS_MAX 128
#define FIELD_BEHAVIOR 1052
#define OUTPUT_ONLY 3
#define PATH_BYTES 256
#define ID_PATTERN "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"
#define PROJECT_PATTERN "^[A-Za-z0-9][A-Za-z0-9:._~-]{0,127}$"

struct writer {
    struct text *text;
    const upb_MessageDef *schemas[SCHEMAS_MAX]; /* that something refers to */
    size_t schema_count;
};

/* ---- schemas ---- */

static void add_reference(struct writer *writer, const upb_MessageDef *type)
{
    size_t i = 0;

    while (i < writer->schema_count && writer->schemas[i] != type) {
        i++;
    }
    if (i == writer->schema_count && i < SCHEMAS_MAX) {
        writer->schemas[writer->schema_count++] = type;
    }
    text_add_format(writer->text, "{\"$ref\":\"#/components/schemas/%s\"}", upb_MessageDef_FullName(type));
}

/* Of types that JSON writes in a way of their own; NULL for any other. */
static const char *well_known_schema(const upb_MessageDef *type)
{
    switch (upb_MessageDef_WellKnownType(type)) {
    case kUpb_WellKnown_Timestamp:
        return "{\"type\":\"string\",\"format\":\"date-time\"}";
    case kUpb_WellKnown_Duration:
        return "{\"type\":\"string\",\"pattern\":\"^-?[0-9]{1,12}(\\\\.[0-9]{1,9})?s$\"}";
    case kUpb_WellKnown_FieldMask:
        return "{\"type\":\"string\"}";
    case kUpb_WellKnown_Any:
        return "{\"type\":\"object\",\"properties\":{\"@type\":{\"type\":\"string\"}},\"additionalProperties\":true}";
    case kUpb_WellKnown_Struct:
        return "{\"type\":\"object\",\"additionalProperties\":true}";
    default:
        return NULL;
    }
}

static void add_enum(struct writer *writer, const upb_EnumDef *type)
{
    text_add_text(writer->text, "{\"anyOf\":[{\"type\":\"string\",\"enum\":[");
    for (int i = 0; i < upb_EnumDef_ValueCount(type); i++) {
        text_add_format(writer->text, "%s\"%s\"", i > 0 ? "," : "", upb_EnumValueDef_Name(upb_EnumDef_Value(type, i)));
    }
    text_add_text(writer->text, "]},{\"type\":\"integer\",\"format\":\"int32\"}]}");
}

/* Of one value: of a field that is not repeated, an item, or a map's value. */
static void add_value(struct writer *writer, const upb_FieldDef *field)
{
    const upb_MessageDef *message = upb_FieldDef_IsSubMessage(field) ? upb_FieldDef_MessageSubDef(field) : NULL;

    if (message && well_known_schema(message)) {
        text_add_text(writer->text, well_known_schema(message));
    } else if (message) {
        add_reference(writer, message);
    } else if (upb_FieldDef_Type(field) == kUpb_FieldType_Enum) {
        add_enum(writer, upb_FieldDef_EnumSubDef(field));
    } else if (upb_FieldDef_Type(field) == kUpb_FieldType_Int64) {
        text_add_text(writer->text, "{\"anyOf\":[{\"type\":\"string\",\"format\":\"int64\",\"pattern\":\"^-?[0-9]+$\"},"
                                    "{\"type\":\"integer\",\"format\":\"int64\"}]}");
    } else if (upb_FieldDef_Type(field) == kUpb_FieldType_Int32) {
        text_add_text(writer->text, "{\"type\":\"integer\",\"format\":\"int32\"}");
    } else if (upb_FieldDef_Type(field) == kUpb_FieldType_Bool) {
        text_add_text(writer->text, "{\"type\":\"boolean\"}");
    } else {
        text_add_text(writer->text, "{\"type\":\"string\"}");
    }
}

static bool is_output_only(const upb_FieldDef *field)
{
    upb_Arena *arena = upb_Arena_New();
    struct wire_reader reader = {{"", 0}};
    struct wire_field option;
    bool is_output = false;

    if (arena && upb_FieldDef_HasOptions(field)) {
        size_t size = 0;
        const char *bytes = google_protobuf_FieldOptions_serialize(upb_FieldDef_Options(field), arena, &size);

        reader.rest = span_make(bytes, bytes ? size : 0);
    }
    while (wire_next(&reader, &option) == WIRE_FIELD) {
        is_output = is_output || (option.number == FIELD_BEHAVIOR && option.value == OUTPUT_ONLY);
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
    return is_output;
}

static void add_property(struct writer *writer, const upb_FieldDef *field)
{
    text_add_format(writer->text, "\"%s\":{%s\"anyOf\":[", upb_FieldDef_JsonName(field),
                    is_output_only(field) ? "\"readOnly\":true," : "");
    if (upb_FieldDef_IsMap(field)) {
        text_add_text(writer->text, "{\"type\":\"object\",\"additionalProperties\":");
        add_value(writer, upb_MessageDef_FindFieldByNumber(upb_FieldDef_MessageSubDef(field), 2));
        text_add_char(writer->text, '}');
    } else if (upb_FieldDef_IsRepeated(field)) {
        text_add_text(writer->text, "{\"type\":\"array\",\"items\":");
        add_value(writer, field);
        text_add_char(writer->text, '}');
    } else {
        add_value(writer, field);
    }
    text_add_text(writer->text, ",{\"type\":\"null\"}]}");
}

/* leave_out: a field that the path fills; NULL: none. */
static void add_message(struct writer *writer, const upb_MessageDef *type, const upb_FieldDef *leave_out)
{
    bool is_first = true;

    text_add_text(writer->text, "{\"type\":\"object\",\"properties\":{");
    for (int i = 0; i < upb_MessageDef_FieldCount(type); i++) {
        const upb_FieldDef *field = upb_MessageDef_Field(type, i);

        if (field == leave_out) {
            continue;
        }
        if (!is_first) {
            text_add_char(writer->text, ',');
        }
        add_property(writer, field);
        is_first = false;
    }
    text_add_text(writer->text, "},\"additionalProperties\":false}");
}

static void add_components(struct writer *writer)
{
    text_add_text(
        writer->text,
        "\"components\":{\"parameters\":{"
        "\"alt\":{\"name\":\"alt\",\"in\":\"query\",\"description\":\"Also $alt. How enums are written: by name or by "
        "number.\",\"schema\":{\"type\":\"string\",\"enum\":[\"json\",\"json;enum-encoding=int\"]}},"
        "\"prettyPrint\":{\"name\":\"prettyPrint\",\"in\":\"query\",\"description\":\"Line ends and spaces in the "
        "answer.\",\"schema\":{\"type\":\"boolean\"}},"
        "\"requestId\":{\"name\":\"x-goog-request-id\",\"in\":\"header\",\"description\":\"The same id within a day "
        "means the same job.\",\"schema\":{\"type\":\"string\",\"pattern\":\"^[!-~]{1,256}$\"}}},"
        "\"responses\":{\"Error\":{\"description\":\"What is wrong\",\"content\":{\"application/json\":{\"schema\":"
        "{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\",\"required\":"
        "[\"code\",\"message\",\"status\"],\"properties\":{\"code\":{\"type\":\"integer\",\"description\":\"The HTTP "
        "status\"},\"message\":{\"type\":\"string\"},\"status\":{\"type\":\"string\",\"description\":\"A "
        "google.rpc.Code\"},\"details\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}}}},"
        "\"text/plain\":{\"schema\":{\"type\":\"string\"}}}}},"
        "\"schemas\":{");
    for (size_t i = 0; i < writer->schema_count; i++) { /* the list grows on the way */
        text_add_format(writer->text, "%s\"%s\":", i > 0 ? "," : "", upb_MessageDef_FullName(writer->schemas[i]));
        add_message(writer, writer->schemas[i], NULL);
    }
    text_add_text(writer->text, "}}");
}

/* ---- paths ---- */

/* "projects/x" has x's parameter: the collection's name without its plural. */
static void add_parameter_name(char *path, size_t path_bytes, struct span collection)
{
    size_t size = strlen(path);

    snprintf(path + size, path_bytes - size, "{%.*s}", (int)collection.size - 1, collection.data);
}

/* The path with a parameter for each '*'; parameters, when not NULL, gets their descriptions. */
static void make_path(const char *version, const struct rest_route *route, char *path, size_t path_bytes,
                      struct text *parameters)
{
    struct span rest = span_of(route->name), before = {"", 0};

    snprintf(path, path_bytes, "/%s", version);
    while (rest.size > 0) {
        const char *slash = memchr(rest.data, '/', rest.size);
        struct span segment = span_make(rest.data, slash ? (size_t)(slash - rest.data) : rest.size);
        size_t size = strlen(path);

        snprintf(path + size, path_bytes - size, "/");
        if (span_equal_text(segment, "*")) {
            bool is_project = span_equal_text(before, "projects");

            add_parameter_name(path, path_bytes, before);
            text_add_format(parameters,
                            "{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\","
                            "\"pattern\":\"%s\"}},",
                            (int)before.size - 1, before.data, is_project ? PROJECT_PATTERN : ID_PATTERN);
        } else {
            snprintf(path + size + 1, path_bytes - size - 1, "%.*s", SPAN_FORMAT(segment));
        }
        before = segment;
        rest = span_skip(rest, segment.size + (slash ? 1 : 0));
    }
    snprintf(path + strlen(path), path_bytes - strlen(path), "%s%s%s%s", route->tail[0] ? "/" : "", route->tail,
             route->custom_verb[0] ? ":" : "", route->custom_verb);
}

static void add_query_parameters(struct writer *writer, const struct rest_method *method)
{
    for (int i = 0; method->route->body[0] != '*' && i < upb_MessageDef_FieldCount(method->request); i++) {
        const upb_FieldDef *field = upb_MessageDef_Field(method->request, i);

        if (field != method->name && field != method->body) {
            text_add_format(writer->text,
                            "{\"name\":\"%s\",\"in\":\"query\",\"schema\":", upb_FieldDef_JsonName(field));
            add_value(writer, field);
            text_add_text(writer->text, "},");
        }
    }
}

static void add_body(struct writer *writer, const struct rest_method *method)
{
    if (method->route->body[0] == '\0') {
        return;
    }
    text_add_format(writer->text, "\"requestBody\":{\"required\":%s,\"content\":{\"application/json\":{\"schema\":",
                    method->body ? "true" : "false");
    if (method->body) {
        add_value(writer, method->body);
    } else {
        add_message(writer, method->request, method->name);
    }
    text_add_text(writer->text, "}}},");
}

static void add_operation(struct writer *writer, size_t index, const struct rest_method *method)
{
    const char *rpc = strrchr(method->method->path, '/') + 1;
    struct text parameters = {.data = NULL};
    char path[PATH_BYTES], verb[16] = "";

    make_path(method->version, method->route, path, sizeof path, &parameters);
    for (size_t i = 0; method->route->verb[i] != '\0' && i + 1 < sizeof verb; i++) {
        verb[i] = (char)(method->route->verb[i] - 'A' + 'a');
        verb[i + 1] = '\0';
    }
    text_add_format(writer->text, "\"%s\":{\"operationId\":\"%s.%s.%zu\",\"summary\":\"%s\",\"parameters\":[", verb,
                    method->version, rpc, index, method->method->path + 1);
    text_add(writer->text, text_span(&parameters));
    add_query_parameters(writer, method);
    if (method->body) {
        text_add_text(writer->text, "{\"$ref\":\"#/components/parameters/requestId\"},");
    }
    text_add_text(writer->text, "{\"$ref\":\"#/components/parameters/alt\"},"
                                "{\"$ref\":\"#/components/parameters/prettyPrint\"}],");
    add_body(writer, method);
    text_add_text(writer->text,
                  "\"responses\":{\"200\":{\"description\":\"Done\",\"content\":{\"application/json\":{\"schema\":");
    add_reference(writer, method->response);
    text_add_text(writer->text, "}}},\"default\":{\"$ref\":\"#/components/responses/Error\"}}}");
    writer->text->failed = writer->text->failed || parameters.failed;
    text_deinit(&parameters);
}

static bool is_same_path(const struct rest_method *left, const struct rest_method *right)
{
    return left->version == right->version && strcmp(left->route->name, right->route->name) == 0 &&
           strcmp(left->route->tail, right->route->tail) == 0 &&
           strcmp(left->route->custom_verb, right->route->custom_verb) == 0;
}

/* Every verb of the path of route number first; nothing when an earlier route has that path. */
static void add_path(struct writer *writer, const struct rest_routes *routes, size_t first)
{
    struct text ignored = {.data = NULL};
    const struct rest_method *method = rest_routes_at(routes, first), *other;
    char path[PATH_BYTES];

    for (size_t i = 0; i < first; i++) {
        if (is_same_path(method, rest_routes_at(routes, i))) {
            return;
        }
    }
    make_path(method->version, method->route, path, sizeof path, &ignored);
    text_deinit(&ignored);
    text_add_format(writer->text, "%s\"%s\":{", first > 0 ? "," : "", path);
    for (size_t i = first; (other = rest_routes_at(routes, i)) != NULL; i++) {
        if (is_same_path(method, other)) {
            if (i > first) {
                text_add_char(writer->text, ',');
            }
            add_operation(writer, i, other);
        }
    }
    text_add_char(writer->text, '}');
}

int openapi_write(const struct rest_routes *routes, struct text *text, struct err *err)
{
    struct writer writer = {.text = text};

    text_add_text(text,
                  "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"customjobd\",\"version\":\"" CUSTOMJOBD_VERSION
                  "\",\"description\":\"Vertex AI CustomJobs on your own hardware. Field names may also be written "
                  "as in the contract, with underscores.\"},\"paths\":{");
    for (size_t i = 0; rest_routes_at(routes, i); i++) {
        add_path(&writer, routes, i);
    }
    text_add_text(text, "},");
    add_components(&writer);
    text_add_char(text, '}');
    return text_check(text, err);
}
