#include "server/json_check.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "server/excerpt.h"
#include "server/json_scan.h"
#include "upb/arena.h"
#include "upb/def.h"

#define PLACE_BYTES 256
/* Unknown names that are told; the others are counted. */
#define UNKNOWN_TOLD_MAX 5

/* A key of an object that is being read: what it means, and where it stands. */
struct key {
    struct span name; /* of a field: as the contract has it */
    const char *at;
};

/* What a value is to become. */
struct shape {
    const upb_MessageDef *type; /* NULL: nobody knows */
    bool is_map;                /* an object whose values are of that type */
    bool is_integer;
};

struct checker {
    struct json_scan scan; /* first */
    int depth;
    struct key *keys; /* of all objects that are open, the innermost last */
    size_t key_count;
    size_t key_capacity;
    char place[PLACE_BYTES];
    struct text unknown; /* sentences */
    size_t unknown_count;
    upb_Arena *arena;
};

static bool check_value(struct checker *checker, struct shape shape);

/* ---- telling ---- */

static bool fail_memory(const struct checker *checker)
{
    err_set(checker->scan.err, ERR_EXHAUSTED, "no memory to read a request of %zu bytes", checker->scan.text.size);
    return false;
}

static void note_unknown(struct checker *checker, struct span name)
{
    struct span shown = excerpt(name);

    if (checker->unknown_count++ >= UNKNOWN_TOLD_MAX) {
        return;
    }
    if (checker->unknown_count > 1) {
        text_add_char(&checker->unknown, '\n');
    }
    text_add_format(&checker->unknown, "Invalid JSON payload received. Unknown name \"%.*s\"", SPAN_FORMAT(shown));
    if (checker->place[0] != '\0') {
        text_add_format(&checker->unknown, " at '%s'", checker->place);
    }
    text_add_text(&checker->unknown, ": Cannot find field.");
}

static int tell_unknown(struct checker *checker)
{
    if (checker->unknown_count == 0) {
        return 0;
    }
    if (text_check(&checker->unknown, checker->scan.err)) {
        return -1;
    }
    if (checker->unknown_count > UNKNOWN_TOLD_MAX) {
        return err_set(checker->scan.err, ERR_INVALID, "%s\nand %zu more.", text_c(&checker->unknown),
                       checker->unknown_count - UNKNOWN_TOLD_MAX);
    }
    return err_set(checker->scan.err, ERR_INVALID, "%s", text_c(&checker->unknown));
}

/* ---- places ---- */

/* Returns what place_leave is to be given. */
static size_t place_enter(struct checker *checker, struct span name)
{
    size_t size = strlen(checker->place);

    snprintf(checker->place + size, PLACE_BYTES - size, "%s%.*s", size > 0 ? "." : "", SPAN_FORMAT(excerpt(name)));
    return size;
}

static size_t place_enter_item(struct checker *checker, size_t index)
{
    size_t size = strlen(checker->place);

    snprintf(checker->place + size, PLACE_BYTES - size, "[%zu]", index);
    return size;
}

static void place_leave(struct checker *checker, size_t size)
{
    checker->place[size] = '\0';
}

static bool check_array(struct checker *checker, struct shape shape)
{
    checker->scan.at++;
    json_scan_space(&checker->scan);
    if (json_scan_peek(&checker->scan) == ']') {
        checker->scan.at++;
        return true;
    }
    for (size_t index = 0;; index++) {
        size_t left = place_enter_item(checker, index);

        if (!check_value(checker, shape)) {
            return false;
        }
        place_leave(checker, left);
        json_scan_space(&checker->scan);
        if (json_scan_peek(&checker->scan) == ']') {
            checker->scan.at++;
            return true;
        }
        if (!json_scan_expect(&checker->scan, ',', "a comma or the end of the list")) {
            return false;
        }
    }
}

/* ---- objects ---- */

static bool add_key(struct checker *checker, struct span name, const char *at)
{
    if (checker->key_count == checker->key_capacity) {
        size_t capacity = checker->key_capacity ? checker->key_capacity * 2 : 32;
        struct key *keys = realloc(checker->keys, capacity * sizeof *keys);

        if (!keys) {
            return fail_memory(checker);
        }
        checker->keys = keys;
        checker->key_capacity = capacity;
    }
    checker->keys[checker->key_count++] = (struct key){.name = name, .at = at};
    return true;
}

static int compare_keys(const void *left_key, const void *right_key)
{
    const struct key *left = left_key, *right = right_key;
    size_t size = left->name.size < right->name.size ? left->name.size : right->name.size;
    int order = size > 0 ? memcmp(left->name.data, right->name.data, size) : 0;

    if (order == 0 && left->name.size != right->name.size) {
        order = left->name.size < right->name.size ? -1 : 1;
    }
    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

/* Of the innermost object, whose keys are let go. */
static bool check_keys(struct checker *checker, size_t first)
{
    struct key *keys = checker->keys + first;
    size_t count = checker->key_count - first;

    checker->key_count = first;
    if (count < 2) {
        return true;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (span_equal(keys[i - 1].name, keys[i].name)) {
            return json_scan_fail(&checker->scan, keys[i].at, "the name \"%.*s\" stands twice in one object",
                                  SPAN_FORMAT(excerpt(keys[i].name)));
        }
    }
    return true;
}

static bool is_open(const upb_MessageDef *type)
{
    upb_WellKnown kind = upb_MessageDef_WellKnownType(type);

    return kind == kUpb_WellKnown_Any || kind == kUpb_WellKnown_Value || kind == kUpb_WellKnown_Struct ||
           kind == kUpb_WellKnown_ListValue;
}

/* What the value of a field is to become. */
static struct shape shape_of(const upb_FieldDef *field)
{
    const upb_MessageDef *type = upb_FieldDef_IsSubMessage(field) ? upb_FieldDef_MessageSubDef(field) : NULL;

    if (type && upb_FieldDef_IsMap(field)) {
        const upb_FieldDef *value = upb_MessageDef_FindFieldByNumber(type, 2);

        return (struct shape){.type = upb_FieldDef_IsSubMessage(value) ? upb_FieldDef_MessageSubDef(value) : NULL,
                              .is_map = true};
    }
    return (struct shape){.type = type,
                          .is_integer = upb_FieldDef_Type(field) == kUpb_FieldType_Int32 ||
                                        upb_FieldDef_Type(field) == kUpb_FieldType_Int64};
}

/* A name without escapes lies in the text, one with them is decoded into the arena. */
static bool read_name(struct checker *checker, struct span *ret_name)
{
    struct text decoded = {.data = NULL};
    const char *start = checker->scan.at + 1;
    struct span raw;
    char *copy;

    if (!json_scan_string(&checker->scan, NULL)) {
        return false;
    }
    raw = span_make(start, (size_t)(checker->scan.at - 1 - start));
    if (!memchr(start, '\\', raw.size)) {
        *ret_name = raw;
        return true;
    }
    checker->scan.at = start - 1;
    (void)!json_scan_string(&checker->scan, &decoded); /* good as before */
    copy = decoded.failed ? NULL : upb_Arena_Malloc(checker->arena, decoded.size + 1);
    if (copy) {
        memcpy(copy, text_c(&decoded), decoded.size + 1);
        *ret_name = span_make(copy, decoded.size);
    }
    text_deinit(&decoded);
    return copy != NULL || fail_memory(checker);
}

/* One member: its name is a field's of the type, a key of a map, or anybody's. */
static bool check_member(struct checker *checker, struct shape shape)
{
    bool is_message = shape.type && !shape.is_map && !is_open(shape.type);
    struct shape inner = {.type = shape.is_map ? shape.type : NULL};
    const upb_FieldDef *field = NULL;
    const char *at = checker->scan.at;
    struct span name;
    size_t left;

    if (json_scan_peek(&checker->scan) != '"') {
        return json_scan_fail(&checker->scan, at, "a name in quotes belongs here");
    }
    if (!read_name(checker, &name)) {
        return false;
    }
    if (is_message) {
        field = upb_MessageDef_FindByJsonNameWithSize(shape.type, name.data, name.size);
    }
    if (field) {
        name = span_of(upb_FieldDef_Name(field));
        inner = shape_of(field);
    } else if (is_message) {
        note_unknown(checker, name);
    }
    left = place_enter(checker, name);
    if (!add_key(checker, name, at) || !json_scan_expect(&checker->scan, ':', "a colon") ||
        !check_value(checker, inner)) {
        return false;
    }
    place_leave(checker, left);
    return true;
}

static bool check_object(struct checker *checker, struct shape shape)
{
    size_t first = checker->key_count;

    checker->scan.at++;
    json_scan_space(&checker->scan);
    if (json_scan_peek(&checker->scan) == '}') {
        checker->scan.at++;
        return true;
    }
    for (;;) {
        json_scan_space(&checker->scan);
        if (!check_member(checker, shape)) {
            return false;
        }
        json_scan_space(&checker->scan);
        if (json_scan_peek(&checker->scan) == '}') {
            checker->scan.at++;
            return check_keys(checker, first);
        }
        if (!json_scan_expect(&checker->scan, ',', "a comma or the end of the object")) {
            return false;
        }
    }
}

/* "-1.5s", with a digit before its point and its end. */
static bool is_duration(struct span text)
{
    size_t at = text.size > 0 && text.data[0] == '-';
    size_t start = at;

    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at > start && text.data[text.size - 1] == 's' && text.data[text.size - 2] != '.';
}

/* What upb makes a value of all the same. */
static bool check_text_value(struct checker *checker, struct shape shape)
{
    const char *start = checker->scan.at;
    struct span value;

    if (!json_scan_string(&checker->scan, NULL)) {
        return false;
    }
    value = span_make(start + 1, (size_t)(checker->scan.at - start - 2));
    if (shape.is_integer && value.size == 0) {
        return json_scan_fail(&checker->scan, start, "an empty string is no number");
    }
    if (shape.type && upb_MessageDef_WellKnownType(shape.type) == kUpb_WellKnown_Duration && !is_duration(value)) {
        return json_scan_fail(&checker->scan, start, "this is no duration; write it as \"1.5s\"");
    }
    return true;
}

static bool check_nested(struct checker *checker, struct shape shape)
{
    bool good;

    if (checker->depth == LIMIT_REQUEST_DEPTH) {
        return json_scan_fail(&checker->scan, checker->scan.at, "values are nested deeper than %d",
                              LIMIT_REQUEST_DEPTH);
    }
    checker->depth++;
    good = *checker->scan.at == '{' ? check_object(checker, shape) : check_array(checker, shape);
    checker->depth--;
    return good;
}

static bool check_value(struct checker *checker, struct shape shape)
{
    json_scan_space(&checker->scan);
    if (checker->scan.at >= checker->scan.end) {
        return json_scan_fail(&checker->scan, checker->scan.at, "the text ends where a value belongs");
    }
    switch (*checker->scan.at) {
    case '{':
    case '[':
        return check_nested(checker, shape);
    case '"':
        return check_text_value(checker, shape);
    case 't':
        return json_scan_word(&checker->scan, "true");
    case 'f':
        return json_scan_word(&checker->scan, "false");
    case 'n':
        return json_scan_word(&checker->scan, "null");
    default:
        return (*checker->scan.at == '-' || (*checker->scan.at >= '0' && *checker->scan.at <= '9'))
                   ? json_scan_number(&checker->scan)
                   : json_scan_fail(&checker->scan, checker->scan.at, "a value belongs here");
    }
}

static bool check_text(struct checker *checker, const upb_MessageDef *type)
{
    json_scan_space(&checker->scan);
    if (json_scan_peek(&checker->scan) != '{') {
        return json_scan_fail(&checker->scan, checker->scan.at, "an object belongs here: '{'");
    }
    if (!check_value(checker, (struct shape){.type = type})) {
        return false;
    }
    json_scan_space(&checker->scan);
    return checker->scan.at == checker->scan.end ||
           json_scan_fail(&checker->scan, checker->scan.at, "something follows behind the end of the object");
}

int json_check(struct span text, const upb_MessageDef *type, const char *root, upb_Arena *arena, struct err *err)
{
    struct checker checker = {.scan = {.text = text, .at = text.data, .end = text.data + text.size, .err = err},
                              .arena = arena};
    int result;

    snprintf(checker.place, sizeof checker.place, "%s", root);
    result = check_text(&checker, type) ? tell_unknown(&checker) : -1;
    free(checker.keys);
    text_deinit(&checker.unknown);
    return result;
}
