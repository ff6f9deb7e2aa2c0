#include "server/json_scan.h"

#include "job/job_spec_text.h"

bool json_scan_fail(const struct json_scan *scan, const char *at, const char *format, ...)
{
    size_t line = 1, column = 1;
    va_list arguments;

    for (const char *c = scan->text.data; c < at; c++) {
        if (*c == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*c & 0xc0) != 0x80) {
            column++;
        }
    }
    va_start(arguments, format);
    err_set_v(scan->err, ERR_INVALID, format, arguments);
    va_end(arguments);
    err_wrap(scan->err, "Invalid JSON payload received. Line %zu, column %zu", line, column);
    return false;
}

/* ---- characters ---- */

char json_scan_peek(const struct json_scan *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

void json_scan_space(struct json_scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n')) {
        scan->at++;
    }
}

bool json_scan_expect(struct json_scan *scan, char wanted, const char *what)
{
    json_scan_space(scan);
    if (scan->at >= scan->end) {
        return json_scan_fail(scan, scan->at, "the text ends where %s belongs", what);
    }
    if (*scan->at != wanted) {
        return json_scan_fail(scan, scan->at, "%s belongs here", what);
    }
    scan->at++;
    return true;
}

/* ---- strings ---- */

static bool read_hex(const struct json_scan *scan, const char *at, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (scan->end - at < 4) {
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
static bool read_unicode_escape(struct json_scan *scan, struct text *decoded)
{
    const char *start = scan->at - 1;
    uint32_t character, low;

    if (!read_hex(scan, scan->at + 1, &character)) {
        return json_scan_fail(scan, start, "\\u takes four hexadecimal digits");
    }
    scan->at += 5;
    if (character >= 0xd800 && character <= 0xdfff) {
        if (character > 0xdbff || scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u' ||
            !read_hex(scan, scan->at + 2, &low) || low < 0xdc00 || low > 0xdfff) {
            return json_scan_fail(scan, start, "this is one half of a surrogate pair, and no character");
        }
        scan->at += 6;
        character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    if (decoded) {
        add_utf8(decoded, character);
    }
    return true;
}

static bool read_escape(struct json_scan *scan, struct text *decoded)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    scan->at++;
    if (json_scan_peek(scan) == 'u') {
        return read_unicode_escape(scan, decoded);
    }
    found = scan->at < scan->end ? memchr(from, *scan->at, sizeof from - 1) : NULL;
    if (!found) {
        return json_scan_fail(scan, scan->at - 1, "JSON has no such escape");
    }
    if (decoded) {
        text_add_char(decoded, to[found - from]);
    }
    scan->at++;
    return true;
}

/* Up to the next quote, escape or control character; false: not UTF-8. */
static bool read_plain(struct json_scan *scan, struct text *decoded)
{
    const char *start = scan->at;
    unsigned char all = 0;
    struct span run;
    size_t valid;

    while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\' && (unsigned char)*scan->at >= 0x20) {
        all |= (unsigned char)*scan->at++;
    }
    run = span_make(start, (size_t)(scan->at - start));
    valid = all < 0x80 ? run.size : text_utf8_bytes(run);
    if (valid < run.size) {
        return json_scan_fail(scan, start + valid, "the bytes from here are not valid UTF-8");
    }
    if (decoded) {
        text_add(decoded, run);
    }
    return true;
}

/* decoded, when not NULL, gets what the string means. */
bool json_scan_string(struct json_scan *scan, struct text *decoded)
{
    const char *start = scan->at;

    scan->at++;
    for (;;) {
        if (!read_plain(scan, decoded)) {
            return false;
        }
        if (scan->at >= scan->end) {
            return json_scan_fail(scan, start, "this string does not end");
        }
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (*scan->at != '\\') {
            return json_scan_fail(scan, scan->at, "a control character in a string; write it as \\u%04x",
                                  (unsigned)(unsigned char)*scan->at);
        }
        if (!read_escape(scan, decoded)) {
            return false;
        }
    }
}

/* ---- other values ---- */

static size_t count_digits(struct json_scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at++;
    }
    return (size_t)(scan->at - start);
}

bool json_scan_number(struct json_scan *scan)
{
    const char *start = scan->at;
    const char *digits;
    size_t count;
    bool good;

    scan->at += json_scan_peek(scan) == '-';
    digits = scan->at;
    count = count_digits(scan);
    good = count == 1 || (count > 1 && *digits != '0');
    if (good && json_scan_peek(scan) == '.') {
        scan->at++;
        good = count_digits(scan) > 0;
    }
    if (good && (json_scan_peek(scan) == 'e' || json_scan_peek(scan) == 'E')) {
        scan->at++;
        scan->at += json_scan_peek(scan) == '+' || json_scan_peek(scan) == '-';
        good = count_digits(scan) > 0;
    }
    return good || json_scan_fail(scan, start, "this is no number as JSON writes them");
}

bool json_scan_word(struct json_scan *scan, const char *word)
{
    struct span rest = span_make(scan->at, (size_t)(scan->end - scan->at));

    if (!span_starts_with(rest, span_of(word))) {
        return json_scan_fail(scan, scan->at, "true, false or null belongs here");
    }
    scan->at += strlen(word);
    return true;
}
