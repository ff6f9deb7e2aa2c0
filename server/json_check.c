#include "server/json_check.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "job/job_spec_text.h"
#include "server/excerpt.h"
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
};

struct checker {
    struct span text;
    const char *at;
    const char *end;
    int depth;
    struct key *keys; /* of all objects that are open, the innermost last */
    size_t key_count;
    size_t key_capacity;
    char place[PLACE_BYTES];
    struct text unknown; /* sentences */
    size_t unknown_count;
    upb_Arena *arena;
    struct err *err;
};

static bool check_value(struct checker *checker, struct shape shape);

/* ---- telling ---- */

static bool fail(const struct checker *checker, const char *at, const char *format, ...) PRINTF_LIKE(3, 4);

static bool fail(const struct checker *checker, const char *at, const char *format, ...)
{
    size_t line = 1, column = 1;
    va_list arguments;

    for (const char *c = checker->text.data; c < at; c++) {
        if (*c == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*c & 0xc0) != 0x80) {
            column++;
        }
    }
    va_start(arguments, format);
    err_set_v(checker->err, ERR_INVALID, format, arguments);
    va_end(arguments);
    err_wrap(checker->err, "Invalid JSON payload received. Line %zu, column %zu", line, column);
    return false;
}

static bool fail_memory(const struct checker *checker)
{
    err_set(checker->err, ERR_EXHAUSTED, "no memory to read a request of %zu bytes", checker->text.size);
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
    if (text_check(&checker->unknown, checker->err)) {
        return -1;
    }
    if (checker->unknown_count > UNKNOWN_TOLD_MAX) {
        return err_set(checker->err, ERR_INVALID, "%s\nand %zu more.", text_c(&checker->unknown),
                       checker->unknown_count - UNKNOWN_TOLD_MAX);
    }
    return err_set(checker->err, ERR_INVALID, "%s", text_c(&checker->unknown));
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

/* ---- characters ---- */

static char peek(const struct checker *checker)
{
    return checker->at < checker->end ? *checker->at : '\0';
}

static void skip_space(struct checker *checker)
{
    while (checker->at < checker->end &&
           (*checker->at == ' ' || *checker->at == '\t' || *checker->at == '\r' || *checker->at == '\n')) {
        checker->at++;
    }
}

static bool expect(struct checker *checker, char wanted, const char *what)
{
    skip_space(checker);
    if (checker->at >= checker->end) {
        return fail(checker, checker->at, "the text ends where %s belongs", what);
    }
    if (*checker->at != wanted) {
        return fail(checker, checker->at, "%s belongs here", what);
    }
    checker->at++;
    return true;
}

/* ---- strings ---- */

static bool read_hex(const struct checker *checker, const char *at, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (checker->end - at < 4) {
        return false;
    }
    for (const char *c = at; c < at + 4; c++) {
        uint32_t digit = *c >= '0' && *c <= '9'   ? (uint32_t)(*c - '0')
                         : *c >= 'a' && *c <= 'f' ? (uint32_t)(*c - 'a' + 10)
                         : *c >= 'A' && *c <= 'F' ? (uint32_t)(*c - 'A' + 10)
                                                  : 16;

        if (digit == 16) {
            return false;
        }
        value = value * 16 + digit;
    }
    *ret_value = value;
    return true;
}

static void add_utf8(struct text *text, uint32_t character)
{
    if (character < 0x80) {
        text_add_char(text, (char)character);
        return;
    }
    if (character < 0x800) {
        text_add_char(text, (char)(0xc0 | character >> 6));
    } else {
        if (character < 0x10000) {
            text_add_char(text, (char)(0xe0 | character >> 12));
        } else {
            text_add_char(text, (char)(0xf0 | character >> 18));
            text_add_char(text, (char)(0x80 | (character >> 12 & 0x3f)));
        }
        text_add_char(text, (char)(0x80 | (character >> 6 & 0x3f)));
    }
    text_add_char(text, (char)(0x80 | (character & 0x3f)));
}

/* At "uXXXX", perhaps the first of a pair. */
static bool read_unicode_escape(struct checker *checker, struct text *decoded)
{
    const char *start = checker->at - 1;
    uint32_t character, low;

    if (!read_hex(checker, checker->at + 1, &character)) {
        return fail(checker, start, "\\u takes four hexadecimal digits");
    }
    checker->at += 5;
    if (character >= 0xd800 && character <= 0xdfff) {
        if (character > 0xdbff || checker->end - checker->at < 6 || checker->at[0] != '\\' || checker->at[1] != 'u' ||
            !read_hex(checker, checker->at + 2, &low) || low < 0xdc00 || low > 0xdfff) {
            return fail(checker, start, "this is one half of a surrogate pair, and no character");
        }
        checker->at += 6;
        character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    if (decoded) {
        add_utf8(decoded, character);
    }
    return true;
}

static bool read_escape(struct checker *checker, struct text *decoded)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    checker->at++;
    if (peek(checker) == 'u') {
        return read_unicode_escape(checker, decoded);
    }
    found = checker->at < checker->end ? memchr(from, *checker->at, sizeof from - 1) : NULL;
    if (!found) {
        return fail(checker, checker->at - 1, "JSON has no such escape");
    }
    if (decoded) {
        text_add_char(decoded, to[found - from]);
    }
    checker->at++;
    return true;
}

/* Up to the next quote, escape or control character; false: not UTF-8. */
static bool read_plain(struct checker *checker, struct text *decoded)
{
    const char *start = checker->at;
    unsigned char all = 0;
    struct span run;
    size_t valid;

    while (checker->at < checker->end && *checker->at != '"' && *checker->at != '\\' &&
           (unsigned char)*checker->at >= 0x20) {
        all |= (unsigned char)*checker->at++;
    }
    run = span_make(start, (size_t)(checker->at - start));
    valid = all < 0x80 ? run.size : text_utf8_bytes(run);
    if (valid < run.size) {
        return fail(checker, start + valid, "the bytes from here are not valid UTF-8");
    }
    if (decoded) {
        text_add(decoded, run);
    }
    return true;
}

/* decoded, when not NULL, gets what the string means. */
static bool check_string(struct checker *checker, struct text *decoded)
{
    const char *start = checker->at;

    checker->at++;
    for (;;) {
        if (!read_plain(checker, decoded)) {
            return false;
        }
        if (checker->at >= checker->end) {
            return fail(checker, start, "this string does not end");
        }
        if (*checker->at == '"') {
            checker->at++;
            return true;
        }
        if (*checker->at != '\\') {
            return fail(checker, checker->at, "a control character in a string; write it as \\u%04x",
                        (unsigned)(unsigned char)*checker->at);
        }
        if (!read_escape(checker, decoded)) {
            return false;
        }
    }
}

/* ---- other values ---- */

static size_t count_digits(struct checker *checker)
{
    const char *start = checker->at;

    while (checker->at < checker->end && *checker->at >= '0' && *checker->at <= '9') {
        checker->at++;
    }
    return (size_t)(checker->at - start);
}

static bool check_number(struct checker *checker)
{
    const char *start = checker->at;
    const char *digits;
    size_t count;
    bool good;

    checker->at += peek(checker) == '-';
    digits = checker->at;
    count = count_digits(checker);
    good = count == 1 || (count > 1 && *digits != '0');
    if (good && peek(checker) == '.') {
        checker->at++;
        good = count_digits(checker) > 0;
    }
    if (good && (peek(checker) == 'e' || peek(checker) == 'E')) {
        checker->at++;
        checker->at += peek(checker) == '+' || peek(checker) == '-';
        good = count_digits(checker) > 0;
    }
    return good || fail(checker, start, "this is no number as JSON writes them");
}

static bool check_word(struct checker *checker, const char *word)
{
    struct span rest = span_make(checker->at, (size_t)(checker->end - checker->at));

    if (!span_starts_with(rest, span_of(word))) {
        return fail(checker, checker->at, "true, false or null belongs here");
    }
    checker->at += strlen(word);
    return true;
}

static bool check_array(struct checker *checker, struct shape shape)
{
    checker->at++;
    skip_space(checker);
    if (peek(checker) == ']') {
        checker->at++;
        return true;
    }
    for (size_t index = 0;; index++) {
        size_t left = place_enter_item(checker, index);

        if (!check_value(checker, shape)) {
            return false;
        }
        place_leave(checker, left);
        skip_space(checker);
        if (peek(checker) == ']') {
            checker->at++;
            return true;
        }
        if (!expect(checker, ',', "a comma or the end of the list")) {
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
            return fail(checker, keys[i].at, "the name \"%.*s\" stands twice in one object",
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

        return (struct shape){upb_FieldDef_IsSubMessage(value) ? upb_FieldDef_MessageSubDef(value) : NULL, true};
    }
    return (struct shape){type, false};
}

/* A name without escapes lies in the text, one with them is decoded into the arena. */
static bool read_name(struct checker *checker, struct span *ret_name)
{
    struct text decoded = {.data = NULL};
    const char *start = checker->at + 1;
    struct span raw;
    char *copy;

    if (!check_string(checker, NULL)) {
        return false;
    }
    raw = span_make(start, (size_t)(checker->at - 1 - start));
    if (!memchr(start, '\\', raw.size)) {
        *ret_name = raw;
        return true;
    }
    checker->at = start - 1;
    (void)check_string(checker, &decoded); /* as before */
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
    const char *at = checker->at;
    struct span name;
    size_t left;

    if (peek(checker) != '"') {
        return fail(checker, at, "a name in quotes belongs here");
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
    if (!add_key(checker, name, at) || !expect(checker, ':', "a colon") || !check_value(checker, inner)) {
        return false;
    }
    place_leave(checker, left);
    return true;
}

static bool check_object(struct checker *checker, struct shape shape)
{
    size_t first = checker->key_count;

    checker->at++;
    skip_space(checker);
    if (peek(checker) == '}') {
        checker->at++;
        return true;
    }
    for (;;) {
        skip_space(checker);
        if (!check_member(checker, shape)) {
            return false;
        }
        skip_space(checker);
        if (peek(checker) == '}') {
            checker->at++;
            return check_keys(checker, first);
        }
        if (!expect(checker, ',', "a comma or the end of the object")) {
            return false;
        }
    }
}

static bool check_nested(struct checker *checker, struct shape shape)
{
    bool good;

    if (checker->depth == LIMIT_REQUEST_DEPTH) {
        return fail(checker, checker->at, "values are nested deeper than %d", LIMIT_REQUEST_DEPTH);
    }
    checker->depth++;
    good = *checker->at == '{' ? check_object(checker, shape) : check_array(checker, shape);
    checker->depth--;
    return good;
}

static bool check_value(struct checker *checker, struct shape shape)
{
    skip_space(checker);
    if (checker->at >= checker->end) {
        return fail(checker, checker->at, "the text ends where a value belongs");
    }
    switch (*checker->at) {
    case '{':
    case '[':
        return check_nested(checker, shape);
    case '"':
        return check_string(checker, NULL);
    case 't':
        return check_word(checker, "true");
    case 'f':
        return check_word(checker, "false");
    case 'n':
        return check_word(checker, "null");
    default:
        return (*checker->at == '-' || (*checker->at >= '0' && *checker->at <= '9'))
                   ? check_number(checker)
                   : fail(checker, checker->at, "a value belongs here");
    }
}

static bool check_text(struct checker *checker, const upb_MessageDef *type)
{
    skip_space(checker);
    if (peek(checker) != '{') {
        return fail(checker, checker->at, "an object belongs here: '{'");
    }
    if (!check_value(checker, (struct shape){.type = type})) {
        return false;
    }
    skip_space(checker);
    return checker->at == checker->end || fail(checker, checker->at, "something follows behind the end of the object");
}

int json_check(struct span text, const upb_MessageDef *type, const char *root, upb_Arena *arena, struct err *err)
{
    struct checker checker = {.text = text, .at = text.data, .end = text.data + text.size, .arena = arena, .err = err};
    int result;

    snprintf(checker.place, sizeof checker.place, "%s", root);
    result = check_text(&checker, type) ? tell_unknown(&checker) : -1;
    free(checker.keys);
    text_deinit(&checker.unknown);
    return result;
}
