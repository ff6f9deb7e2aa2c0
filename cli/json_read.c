#include "cli/json_read.h"

#include "cli/utf8.h"
#include "upb/arena.h"

struct reader {
    struct span rest;
    uint32_t line;
    int depth;
    upb_Arena *arena;
    struct err *err;
};

static struct doc *read_value(struct reader *reader);

static void *fail(struct reader *reader, const char *text)
{
    err_set(reader->err, ERR_INVALID, "line %u: %s", reader->line, text);
    return NULL;
}

static void skip_space(struct reader *reader)
{
    while (reader->rest.size > 0 && memchr(" \t\r\n", reader->rest.data[0], 4)) {
        reader->line += reader->rest.data[0] == '\n';
        reader->rest = span_skip(reader->rest, 1);
    }
}

static char peek(const struct reader *reader)
{
    return reader->rest.size > 0 ? reader->rest.data[0] : '\0';
}

/* Takes the character if it is next. */
static bool take(struct reader *reader, char character)
{
    if (reader->rest.size == 0 || reader->rest.data[0] != character) {
        return false;
    }
    reader->rest = span_skip(reader->rest, 1);
    return true;
}

static bool read_hex(struct span digits, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (digits.size < 4) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        char c = digits.data[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0) {
            return false;
        }
        value = value * 16 + (uint32_t)digit;
    }
    *ret_value = value;
    return true;
}

/* What follows a backslash; surrogates only in pairs. Returns the bytes taken, 0 when it is no escape. */
static size_t read_escape(struct span text, struct text *value)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t code, low;

    if (text.size == 0) {
        return 0;
    }
    found = memchr(from, text.data[0], sizeof from - 1);
    if (found) {
        text_add_char(value, to[found - from]);
        return 1;
    }
    if (text.data[0] != 'u' || !read_hex(span_skip(text, 1), &code)) {
        return 0;
    }
    if (code < 0xD800 || code > 0xDFFF) {
        utf8_add(value, code);
        return 5;
    }
    if (code > 0xDBFF || text.size < 11 || text.data[5] != '\\' || text.data[6] != 'u' ||
        !read_hex(span_skip(text, 7), &low) || low < 0xDC00 || low > 0xDFFF) {
        return 0;
    }
    utf8_add(value, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
    return 11;
}

static bool read_escaped(struct reader *reader, struct span raw, struct span *ret_text)
{
    struct text value = {.data = NULL};
    bool good = true;

    for (size_t i = 0; i < raw.size && good;) {
        if (raw.data[i] != '\\') {
            text_add_char(&value, raw.data[i++]);
        } else {
            size_t used = read_escape(span_skip(raw, i + 1), &value);

            good = used > 0;
            i += 1 + used;
        }
    }
    *ret_text = doc_copy(reader->arena, text_span(&value));
    text_deinit(&value);
    if (!good) {
        fail(reader, "an escape in a string that JSON does not know");
        return false;
    }
    if (!ret_text->data) {
        err_set(reader->err, ERR_EXHAUSTED, "out of memory");
        return false;
    }
    return true;
}

/* After the opening quote. */
static bool read_string(struct reader *reader, struct span *ret_text)
{
    bool escaped = false;
    size_t size = 0;
    struct span raw;

    while (size < reader->rest.size && reader->rest.data[size] != '"') {
        if ((unsigned char)reader->rest.data[size] < 0x20) {
            fail(reader, "a control character or line end in a string; write \\n");
            return false;
        }
        if (reader->rest.data[size] == '\\') {
            escaped = true;
            size++;
        }
        size++;
    }
    if (size >= reader->rest.size) {
        fail(reader, "a string that does not end");
        return false;
    }
    raw = span_make(reader->rest.data, size);
    reader->rest = span_skip(reader->rest, size + 1);
    if (escaped) {
        return read_escaped(reader, raw, ret_text);
    }
    *ret_text = raw;
    return true;
}

static size_t skip_digits(struct span text, size_t at)
{
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at;
}

/* The bytes of the number at the start of the text; 0 when there is none. */
static size_t number_bytes(struct span text)
{
    size_t at = text.size > 0 && text.data[0] == '-';
    size_t start = at;

    at = skip_digits(text, at);
    if (at == start || (text.data[start] == '0' && at > start + 1)) {
        return 0;
    }
    if (at < text.size && text.data[at] == '.') {
        start = at + 1;
        at = skip_digits(text, start);
        if (at == start) {
            return 0;
        }
    }
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        at += at < text.size && (text.data[at] == '+' || text.data[at] == '-');
        start = at;
        at = skip_digits(text, start);
        if (at == start) {
            return 0;
        }
    }
    return at;
}

static struct doc *read_word_or_number(struct reader *reader)
{
    static const struct {
        const char *word;
        enum doc_kind kind;
    } words[] = {{"null", DOC_NULL}, {"true", DOC_BOOL}, {"false", DOC_BOOL}};
    enum doc_kind kind = DOC_NUMBER;
    size_t size = number_bytes(reader->rest);
    struct doc *doc;

    for (size_t i = 0; i < 3 && size == 0; i++) {
        if (span_starts_with(reader->rest, span_of(words[i].word))) {
            kind = words[i].kind;
            size = strlen(words[i].word);
        }
    }
    if (size == 0) {
        return fail(reader, reader->rest.size
                                ? "here JSON wants a value: \"text\", number, true, false, null, {…} or […]"
                                : "the file ends where JSON wants a value");
    }
    doc = doc_new(reader->arena, kind, reader->line, reader->err);
    if (doc) {
        doc->text = span_make(reader->rest.data, size);
        doc->truth = kind == DOC_BOOL && size == 4;
        reader->rest = span_skip(reader->rest, size);
    }
    return doc;
}

static bool read_member(struct reader *reader, struct doc *map)
{
    struct span key;
    uint32_t line = reader->line;
    struct doc *value;

    if (!take(reader, '"')) {
        fail(reader, "here JSON wants a key in quotes");
        return false;
    }
    if (!read_string(reader, &key)) {
        return false;
    }
    skip_space(reader);
    if (!take(reader, ':')) {
        fail(reader, "after a key JSON wants a colon");
        return false;
    }
    value = read_value(reader);
    if (!value) {
        return false;
    }
    if (doc_set(reader->arena, map, key, line, value, reader->err)) {
        err_wrap(reader->err, "line %u", line);
        return false;
    }
    return true;
}

static bool read_items(struct reader *reader, struct doc *parent, char end)
{
    skip_space(reader);
    if (take(reader, end)) {
        return true;
    }
    for (;;) {
        skip_space(reader);
        if (parent->kind == DOC_MAP) {
            if (!read_member(reader, parent)) {
                return false;
            }
        } else {
            struct doc *value = read_value(reader);

            if (!value || doc_append(reader->arena, parent, value, reader->err)) {
                return false;
            }
        }
        skip_space(reader);
        if (take(reader, end)) {
            return true;
        }
        if (!take(reader, ',')) {
            fail(reader, end == '}' ? "here JSON wants , or }" : "here JSON wants , or ]");
            return false;
        }
    }
}

static struct doc *read_value(struct reader *reader)
{
    struct doc *doc;
    char next;

    skip_space(reader);
    next = peek(reader);
    if (next == '"') {
        doc = doc_new(reader->arena, DOC_STRING, reader->line, reader->err);
        reader->rest = span_skip(reader->rest, 1);
        return doc && read_string(reader, &doc->text) ? doc : NULL;
    }
    if (next != '{' && next != '[') {
        return read_word_or_number(reader);
    }
    if (++reader->depth > DOC_DEPTH_MAX) {
        return fail(reader, "nested too deep");
    }
    doc = doc_new(reader->arena, next == '{' ? DOC_MAP : DOC_LIST, reader->line, reader->err);
    reader->rest = span_skip(reader->rest, 1);
    if (!doc || !read_items(reader, doc, next == '{' ? '}' : ']')) {
        return NULL;
    }
    reader->depth--;
    return doc;
}

int json_read(struct span input, upb_Arena *arena, struct doc **ret_doc, struct err *err)
{
    struct reader reader = {.rest = input, .line = 1, .arena = arena, .err = err};
    size_t valid = utf8_valid_bytes(input);
    struct doc *doc;

    if (valid < input.size) {
        return err_set(err, ERR_INVALID, "byte %zu is no UTF-8", valid);
    }
    doc = read_value(&reader);
    if (!doc) {
        return -1;
    }
    skip_space(&reader);
    if (reader.rest.size > 0) {
        fail(&reader, "something stands after the end of the JSON value");
        return -1;
    }
    *ret_doc = doc;
    return 0;
}
