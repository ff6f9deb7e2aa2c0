#include "cli/doc_typed.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/doc_write.h"
#include "cli/suggest.h"

/* Fields of one message; MachineSpec has nine, CustomJobSpec fifteen. */
#define SEEN_MAX 64

struct walk {
    const char *source;
    struct text *json;
    struct text path;
    uint32_t line;
    int depth;
    struct err *err;
};

static int write_message(struct walk *walk, const struct doc *doc, const upb_MessageDef *type);

static int fail(struct walk *walk, const char *format, ...) PRINTF_LIKE(2, 3);

static int fail(struct walk *walk, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    err_set_v(walk->err, ERR_INVALID, format, arguments);
    va_end(arguments);
    if (walk->path.size > 0) {
        err_wrap(walk->err, "%s", text_c(&walk->path));
    }
    return walk->line > 0 ? err_wrap(walk->err, "%s:%u", walk->source, walk->line)
                          : err_wrap(walk->err, "%s", walk->source);
}

static int fail_kind(struct walk *walk, const char *wanted, const struct doc *doc)
{
    if (doc->kind == DOC_STRING || doc->kind == DOC_NUMBER || doc->kind == DOC_BOOL) {
        return fail(walk, "%s is wanted, not \"%.*s\"", wanted, SPAN_FORMAT(doc->text));
    }
    return fail(walk, "%s is wanted, not %s", wanted, doc_kind_name(doc->kind));
}

/* An integer as written: decimal, or 0x… and 0o… of YAML; 3.0 is none. */
static bool read_integer(const struct doc *doc, long long *ret_value)
{
    char digits[32];
    const char *start = digits;
    char *end;
    int base = 10;

    if ((doc->kind != DOC_NUMBER && doc->kind != DOC_STRING) || doc->text.size == 0 ||
        doc->text.size >= sizeof digits || strchr(" \t\n", doc->text.data[0])) {
        return false;
    }
    memcpy(digits, doc->text.data, doc->text.size);
    digits[doc->text.size] = '\0';
    if (doc->plain && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'o')) {
        base = digits[1] == 'x' ? 16 : 8;
        start += 2;
    }
    errno = 0;
    *ret_value = strtoll(start, &end, base);
    return *end == '\0' && end != start && errno == 0;
}

static int write_integer(struct walk *walk, const struct doc *doc, long long least, long long most)
{
    long long value;

    if (!read_integer(doc, &value)) {
        return fail_kind(walk, "a whole number", doc);
    }
    if (value < least || value > most) {
        return fail(walk, "%lld is not between %lld and %lld", value, least, most);
    }
    /* In quotes: as a JSON number it would pass through a double. */
    text_add_format(walk->json, "\"%lld\"", value);
    return 0;
}

static int write_enum(struct walk *walk, const struct doc *doc, const upb_EnumDef *type)
{
    struct suggestion suggestion = suggestion_start(doc->text);
    long long number;

    if (doc->kind == DOC_STRING && upb_EnumDef_FindValueByNameWithSize(type, doc->text.data, doc->text.size)) {
        doc_write_quoted(walk->json, doc->text);
        return 0;
    }
    if (doc->kind == DOC_NUMBER && read_integer(doc, &number) && number >= INT32_MIN && number <= INT32_MAX) {
        text_add_format(walk->json, "%lld", number);
        return 0;
    }
    if (doc->kind != DOC_STRING) {
        return fail_kind(walk, "a name", doc);
    }
    for (int i = 0; i < upb_EnumDef_ValueCount(type); i++) {
        suggestion_offer(&suggestion, upb_EnumValueDef_Name(upb_EnumDef_Value(type, i)));
    }
    return suggestion.best ? fail(walk, "there is no %s \"%.*s\"; did you mean %s?", upb_EnumDef_Name(type),
                                  SPAN_FORMAT(doc->text), suggestion.best)
                           : fail(walk, "there is no %s \"%.*s\"", upb_EnumDef_Name(type), SPAN_FORMAT(doc->text));
}

static int write_string(struct walk *walk, const struct doc *doc)
{
    if (doc->kind != DOC_STRING && !(doc->plain && (doc->kind == DOC_NUMBER || doc->kind == DOC_BOOL))) {
        return doc->kind == DOC_NULL ? fail(walk, "a text is wanted; put \"%.*s\" in quotes", SPAN_FORMAT(doc->text))
                                     : fail_kind(walk, "a text in quotes", doc);
    }
    doc_write_quoted(walk->json, doc->text);
    return 0;
}

static int write_bool(struct walk *walk, const struct doc *doc)
{
    if (doc->kind != DOC_BOOL) {
        return fail_kind(walk, "true or false", doc);
    }
    text_add_text(walk->json, doc->truth ? "true" : "false");
    return 0;
}

/* Duration, Timestamp and FieldMask are texts in JSON; of the others any JSON is taken as it is. */
static int write_well_known(struct walk *walk, const struct doc *doc, const upb_MessageDef *type)
{
    upb_WellKnown kind = upb_MessageDef_WellKnownType(type);

    if (kind != kUpb_WellKnown_Duration && kind != kUpb_WellKnown_Timestamp && kind != kUpb_WellKnown_FieldMask) {
        doc_write_json_line(walk->json, doc);
        return 0;
    }
    if (kind == kUpb_WellKnown_Duration && doc->kind == DOC_NUMBER) {
        return fail(walk, "a duration is wanted, such as \"%.*ss\"", SPAN_FORMAT(doc->text));
    }
    return write_string(walk, doc);
}

/* One value, not a list or map of them. */
static int write_single(struct walk *walk, const struct doc *doc, const upb_FieldDef *field)
{
    switch (upb_FieldDef_CType(field)) {
    case kUpb_CType_Bool:
        return write_bool(walk, doc);
    case kUpb_CType_Int32:
        return write_integer(walk, doc, INT32_MIN, INT32_MAX);
    case kUpb_CType_UInt32:
        return write_integer(walk, doc, 0, UINT32_MAX);
    case kUpb_CType_Int64:
        return write_integer(walk, doc, INT64_MIN, INT64_MAX);
    case kUpb_CType_UInt64:
        return write_integer(walk, doc, 0, INT64_MAX);
    case kUpb_CType_Enum:
        return write_enum(walk, doc, upb_FieldDef_EnumSubDef(field));
    case kUpb_CType_Message:
        return write_message(walk, doc, upb_FieldDef_MessageSubDef(field));
    case kUpb_CType_Float:
    case kUpb_CType_Double:
        if (doc->kind != DOC_NUMBER && doc->kind != DOC_STRING) {
            return fail_kind(walk, "a number", doc);
        }
        text_add_format(walk->json, "\"%.*s\"", SPAN_FORMAT(doc->text));
        return 0;
    default:
        return write_string(walk, doc);
    }
}

static int write_list(struct walk *walk, const struct doc *doc, const upb_FieldDef *field)
{
    size_t index = 0, length = walk->path.size;

    if (doc->kind != DOC_LIST) {
        return fail_kind(walk, "a list", doc);
    }
    text_add_char(walk->json, '[');
    for (const struct doc_item *item = doc->first; item; item = item->next) {
        text_add_format(&walk->path, "[%zu]", index++);
        walk->line = item->line;
        if (write_single(walk, item->value, field)) {
            return -1;
        }
        text_cut(&walk->path, length);
        text_add_text(walk->json, item->next ? "," : "");
    }
    text_add_char(walk->json, ']');
    return 0;
}

static int write_map(struct walk *walk, const struct doc *doc, const upb_FieldDef *field)
{
    const upb_MessageDef *entry = upb_FieldDef_MessageSubDef(field);
    const upb_FieldDef *value = upb_MessageDef_FindFieldByNumber(entry, kUpb_MapEntry_ValueFieldNumber);
    size_t length = walk->path.size;

    if (doc->kind != DOC_MAP) {
        return fail_kind(walk, "a mapping", doc);
    }
    text_add_char(walk->json, '{');
    for (const struct doc_item *item = doc->first; item; item = item->next) {
        text_add_format(&walk->path, "[\"%.*s\"]", SPAN_FORMAT(item->key));
        walk->line = item->line;
        doc_write_quoted(walk->json, item->key);
        text_add_char(walk->json, ':');
        if (write_single(walk, item->value, value)) {
            return -1;
        }
        text_cut(&walk->path, length);
        text_add_text(walk->json, item->next ? "," : "");
    }
    text_add_char(walk->json, '}');
    return 0;
}

static int fail_unknown(struct walk *walk, struct span key, const upb_MessageDef *type)
{
    struct suggestion suggestion = suggestion_start(key);

    for (int i = 0; i < upb_MessageDef_FieldCount(type); i++) {
        const upb_FieldDef *field = upb_MessageDef_Field(type, i);

        suggestion_offer(&suggestion, upb_FieldDef_JsonName(field));
        suggestion_offer(&suggestion, upb_FieldDef_Name(field));
    }
    return suggestion.best ? fail(walk, "a %s has no field \"%.*s\"; did you mean \"%s\"?", upb_MessageDef_Name(type),
                                  SPAN_FORMAT(key), suggestion.best)
                           : fail(walk, "a %s has no field \"%.*s\"", upb_MessageDef_Name(type), SPAN_FORMAT(key));
}

/* A field in both spellings is the same field twice; of a oneof only one may be there. */
static int note_field(struct walk *walk, const upb_FieldDef *field, const upb_FieldDef **seen, size_t *count)
{
    const upb_OneofDef *oneof = upb_FieldDef_RealContainingOneof(field);

    for (size_t i = 0; i < *count; i++) {
        if (seen[i] == field) {
            return fail(walk, "\"%s\" stands here twice", upb_FieldDef_Name(field));
        }
        if (oneof && upb_FieldDef_RealContainingOneof(seen[i]) == oneof) {
            return fail(walk, "only one of %s and %s can be set", upb_FieldDef_Name(seen[i]), upb_FieldDef_Name(field));
        }
    }
    if (*count == SEEN_MAX) {
        return fail(walk, "more than %d fields", SEEN_MAX);
    }
    seen[(*count)++] = field;
    return 0;
}

static int write_field(struct walk *walk, const struct doc_item *item, const upb_FieldDef *field)
{
    size_t length = walk->path.size;
    int failed;

    text_add_format(&walk->path, "%s%s", length > 0 ? "." : "", upb_FieldDef_Name(field));
    doc_write_quoted(walk->json, span_of(upb_FieldDef_JsonName(field)));
    text_add_char(walk->json, ':');
    failed = upb_FieldDef_IsMap(field)        ? write_map(walk, item->value, field)
             : upb_FieldDef_IsRepeated(field) ? write_list(walk, item->value, field)
                                              : write_single(walk, item->value, field);
    if (failed) {
        return -1;
    }
    if (walk->json->size > LIMIT_REQUEST_BYTES) {
        return err_set(walk->err, ERR_INVALID, "%s: more than %d bytes", walk->source, LIMIT_REQUEST_BYTES);
    }
    text_cut(&walk->path, length);
    return 0;
}

static int write_fields(struct walk *walk, const struct doc *doc, const upb_MessageDef *type)
{
    const upb_FieldDef *seen[SEEN_MAX];
    size_t count = 0;

    text_add_char(walk->json, '{');
    for (const struct doc_item *item = doc->first; item; item = item->next) {
        const upb_FieldDef *field = upb_MessageDef_FindByJsonNameWithSize(type, item->key.data, item->key.size);

        walk->line = item->line;
        if (!field) {
            return fail_unknown(walk, item->key, type);
        }
        if (item->value->kind == DOC_NULL) {
            continue; /* *= proto3 JSON: null is an accepted value for all field types and treated as the default */
        }
        if (note_field(walk, field, seen, &count)) {
            return -1;
        }
        text_add_text(walk->json, count > 1 ? "," : "");
        if (write_field(walk, item, field)) {
            return -1;
        }
    }
    text_add_char(walk->json, '}');
    return 0;
}

static int write_message(struct walk *walk, const struct doc *doc, const upb_MessageDef *type)
{
    int failed;

    if (upb_MessageDef_WellKnownType(type) != kUpb_WellKnown_Unspecified) {
        return write_well_known(walk, doc, type);
    }
    if (doc->kind != DOC_MAP) {
        return fail(walk, "the fields of a %s are wanted, not %s", upb_MessageDef_Name(type), doc_kind_name(doc->kind));
    }
    if (++walk->depth > DOC_DEPTH_MAX) {
        return fail(walk, "nested too deep");
    }
    failed = write_fields(walk, doc, type);
    walk->depth--;
    return failed;
}

int doc_typed_json(const struct doc *doc, const upb_MessageDef *type, const char *source, const char *path,
                   struct text *json, struct err *err)
{
    struct walk walk = {.source = source, .json = json, .line = doc->line, .err = err};
    int failed;

    text_add_text(&walk.path, path);
    failed = write_message(&walk, doc, type) || text_check(json, err) || text_check(&walk.path, err);
    text_deinit(&walk.path);
    return failed ? -1 : 0;
}
