#include "server/rest_request.h"

#include "base/limits.h"
#include "base/text.h"
#include "job/wire.h"
#include "server/excerpt.h"
#include "server/json_message.h"
#include "server/rest_query.h"
#include "server/rest_route.h"
#include "upb/arena.h"
#include "upb/def.h"

#define FIELD_MASK_PATHS 1
#define INT32_DIGITS_MAX 10

struct reading {
    const struct json_types *types;
    const struct rest_source *source;
    struct upb_Arena *arena;
    struct rest_request *request;
    struct text wire;
    const upb_FieldDef *seen[LIMIT_HTTP_PARAMETERS];
    size_t parameter_count;
    struct err *err;
};

/* ---- parameters that all methods have ---- */

enum system_parameter { ALT, PRETTY, REQUEST_ID, NO_MATTER, NOT_HERE };

static const struct system_row {
    const char *name;
    enum system_parameter kind;
} system_rows[] = {
    {"alt", ALT},
    {"prettyPrint", PRETTY},
    {"requestId", REQUEST_ID},
    {"access_token", NO_MATTER}, /* bearers are taken and ignored in the header, too */
    {"key", NO_MATTER},
    {"oauth_token", NO_MATTER},
    {"quotaUser", NO_MATTER},
    {"userIp", NO_MATTER},
    {"userProject", NO_MATTER},
    {"xgafv", NO_MATTER},
    {".xgafv", NO_MATTER},
    {"uploadType", NO_MATTER},
    {"upload_protocol", NO_MATTER},
    {"fields", NOT_HERE},
    {"callback", NOT_HERE},
};

static const struct system_row *system_row_of(struct span name)
{
    if (name.size > 0 && name.data[0] == '$') {
        name = span_skip(name, 1);
    }
    for (size_t i = 0; i < sizeof system_rows / sizeof system_rows[0]; i++) {
        if (span_equal_text(name, system_rows[i].name)) {
            return &system_rows[i];
        }
    }
    return NULL;
}

static int fail_value(const struct reading *reading, const char *name, const char *type, struct span value)
{
    return err_set(reading->err, ERR_INVALID, "Invalid value at '%s' (%s), \"%.*s\"", name, type,
                   SPAN_FORMAT(excerpt(value)));
}

static bool read_bool(struct span value, bool *ret_bool)
{
    bool is_true = span_equal_text(value, "true") || span_equal_text(value, "1");

    if (!is_true && !span_equal_text(value, "false") && !span_equal_text(value, "0")) {
        return false;
    }
    *ret_bool = is_true;
    return true;
}

static int read_system(struct reading *reading, const struct system_row *row, struct span value)
{
    struct rest_style *style = &reading->request->style;

    switch (row->kind) {
    case ALT:
        style->enums_as_numbers = span_equal_text(value, "json;enum-encoding=int");
        return style->enums_as_numbers || span_equal_text(value, "json")
                   ? 0
                   : err_set(reading->err, ERR_INVALID,
                             "The parameter alt is json or json;enum-encoding=int here, not \"%.*s\".",
                             SPAN_FORMAT(excerpt(value)));
    case PRETTY:
        return read_bool(value, &style->is_pretty) ? 0 : fail_value(reading, "pretty_print", "TYPE_BOOL", value);
    case REQUEST_ID:
        reading->request->request_id = value;
        return 0;
    case NOT_HERE:
        return err_set(reading->err, ERR_INVALID, "The parameter %s is not supported: leave it out%s.", row->name,
                       row->name[0] == 'f' ? ", or use readMask with a list" : "");
    default:
        return 0;
    }
}

/* ---- parameters that are fields of the request ---- */

static void add_varint(struct reading *reading, const upb_FieldDef *field, uint64_t value)
{
    char bytes[24];
    char *end = wire_put_number(bytes, upb_FieldDef_Number(field), value);

    text_add(&reading->wire, span_make(bytes, (size_t)(end - bytes)));
}

static void add_bytes(struct text *wire, uint32_t number, struct span value)
{
    char head[24];
    char *end = wire_put_head(head, number, value.size);

    text_add(wire, span_make(head, (size_t)(end - head)));
    text_add(wire, value);
}

static bool read_int32(struct span value, int32_t *ret_value)
{
    bool is_negative = value.size > 0 && value.data[0] == '-';
    int64_t number = 0;

    if (is_negative) {
        value = span_skip(value, 1);
    }
    if (value.size == 0 || value.size > INT32_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        number = number * 10 + (value.data[i] - '0');
    }
    number = is_negative ? -number : number;
    if (number < INT32_MIN || number > INT32_MAX) {
        return false;
    }
    *ret_value = (int32_t)number;
    return true;
}

/* One path of a mask, in the contract's spelling. */
static void add_mask_path(struct text *mask, struct span path)
{
    struct text name = {.data = NULL};

    for (size_t i = 0; i < path.size; i++) {
        char c = path.data[i];

        if (c >= 'A' && c <= 'Z') {
            text_add_char(&name, '_');
            c = (char)(c - 'A' + 'a');
        }
        text_add_char(&name, c);
    }
    add_bytes(mask, FIELD_MASK_PATHS, text_span(&name));
    mask->failed = mask->failed || name.failed;
    text_deinit(&name);
}

static void add_mask(struct reading *reading, const upb_FieldDef *field, struct span value)
{
    struct text mask = {.data = NULL};

    while (value.size > 0) {
        const char *comma = memchr(value.data, ',', value.size);
        struct span path = span_make(value.data, comma ? (size_t)(comma - value.data) : value.size);

        add_mask_path(&mask, path);
        value = span_skip(value, path.size + (comma ? 1 : 0));
    }
    add_bytes(&reading->wire, upb_FieldDef_Number(field), text_span(&mask));
    reading->wire.failed = reading->wire.failed || mask.failed;
    text_deinit(&mask);
}

static bool is_mask(const upb_FieldDef *field)
{
    return upb_FieldDef_IsSubMessage(field) &&
           upb_MessageDef_WellKnownType(upb_FieldDef_MessageSubDef(field)) == kUpb_WellKnown_FieldMask;
}

static int add_field(struct reading *reading, const upb_FieldDef *field, struct span value)
{
    const char *name = upb_FieldDef_Name(field);
    int32_t number = 0;
    bool truth = false;

    if (is_mask(field)) {
        add_mask(reading, field, value);
        return 0;
    }
    switch (upb_FieldDef_Type(field)) {
    case kUpb_FieldType_String:
        add_bytes(&reading->wire, upb_FieldDef_Number(field), value);
        return 0;
    case kUpb_FieldType_Int32:
        if (!read_int32(value, &number)) {
            return fail_value(reading, name, "TYPE_INT32", value);
        }
        add_varint(reading, field, (uint64_t)(int64_t)number);
        return 0;
    case kUpb_FieldType_Bool:
        if (!read_bool(value, &truth)) {
            return fail_value(reading, name, "TYPE_BOOL", value);
        }
        add_varint(reading, field, truth);
        return 0;
    default:
        return err_set(reading->err, ERR_INVALID, "The parameter %s cannot stand in a query.", name);
    }
}

/* NULL: no parameter of this method. */
static const upb_FieldDef *field_of(const struct rest_method *method, struct span name)
{
    const upb_FieldDef *field;

    if (method->route->body[0] == '*') {
        return NULL;
    }
    field = upb_MessageDef_FindByJsonNameWithSize(method->request, name.data, name.size);
    return field == method->name || field == method->body ? NULL : field;
}

static int read_parameter(struct reading *reading, const struct rest_parameter *parameter)
{
    const struct system_row *row = system_row_of(parameter->name);
    const upb_FieldDef *field = row ? NULL : field_of(reading->source->method, parameter->name);
    struct span shown = excerpt(parameter->name);

    if (row) {
        return read_system(reading, row, parameter->value);
    }
    if (!field) {
        return err_set(reading->err, ERR_INVALID,
                       "Invalid JSON payload received. Unknown name \"%.*s\": Cannot bind query parameter. Field "
                       "'%.*s' could not be found in request message.",
                       SPAN_FORMAT(shown), SPAN_FORMAT(shown));
    }
    for (size_t i = 0; i < reading->parameter_count; i++) {
        if (reading->seen[i] == field) {
            return err_set(reading->err, ERR_INVALID, "The parameter %.*s stands twice in the query.",
                           SPAN_FORMAT(shown));
        }
    }
    reading->seen[reading->parameter_count] = field;
    return add_field(reading, field, parameter->value);
}

static int read_query(struct reading *reading)
{
    struct span query = reading->source->query;
    struct rest_parameter parameter;
    bool is_end = false;

    for (;; reading->parameter_count++) {
        if (rest_next_parameter(&query, reading->arena, &parameter, &is_end, reading->err)) {
            return -1;
        }
        if (is_end) {
            return 0;
        }
        if (reading->parameter_count == LIMIT_HTTP_PARAMETERS) {
            return err_set(reading->err, ERR_INVALID, "The query has more than %d parameters.", LIMIT_HTTP_PARAMETERS);
        }
        reading->seen[reading->parameter_count] = NULL;
        if (read_parameter(reading, &parameter)) {
            return -1;
        }
    }
}

/* ---- the whole ---- */

static int read_body(struct reading *reading)
{
    const struct rest_method *method = reading->source->method;
    const upb_MessageDef *type = method->body ? upb_FieldDef_MessageSubDef(method->body) : method->request;
    struct span body = reading->source->body;
    struct span wire;

    if (method->route->body[0] == '\0' || body.size == 0) {
        return 0;
    }
    if (json_message_read(reading->types, type, body, method->body ? method->route->body : "", reading->arena, &wire,
                          reading->err)) {
        return -1;
    }
    if (method->body) {
        add_bytes(&reading->wire, upb_FieldDef_Number(method->body), wire);
    } else {
        text_add(&reading->wire, wire);
    }
    return 0;
}

/* Last, so that no body says otherwise. */
static int read_name(struct reading *reading)
{
    struct span name;

    if (!reading->source->method->name) {
        return 0;
    }
    if (rest_decode_name(reading->source->name, reading->arena, &name, reading->err)) {
        return -1;
    }
    add_bytes(&reading->wire, upb_FieldDef_Number(reading->source->method->name), name);
    return 0;
}

static int take_wire(struct reading *reading)
{
    char *bytes = reading->wire.failed ? NULL : upb_Arena_Malloc(reading->arena, reading->wire.size + 1);

    if (!bytes) {
        return err_set(reading->err, ERR_EXHAUSTED, "no memory to read a request");
    }
    memcpy(bytes, text_c(&reading->wire), reading->wire.size);
    reading->request->wire = span_make(bytes, reading->wire.size);
    return 0;
}

int rest_request_read(const struct json_types *types, const struct rest_source *source, struct upb_Arena *arena,
                      struct rest_request *ret_request, struct err *err)
{
    struct reading reading = {.types = types, .source = source, .arena = arena, .request = ret_request, .err = err};
    int result;

    *ret_request = (struct rest_request){.wire = {"", 0}, .request_id = {"", 0}};
    result = read_query(&reading) || read_body(&reading) || read_name(&reading) || take_wire(&reading) ? -1 : 0;
    text_deinit(&reading.wire);
    return result;
}
