#include "cli/yaml_schema.h"

static bool is_one_of(struct span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal_text(text, words[i])) {
            return true;
        }
    }
    return false;
}

#define ONE_OF(text, ...) \
    is_one_of(text, (const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / sizeof(char *))

/* All of it from these characters, and not empty. */
static bool consists_of(struct span text, const char *characters)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!strchr(characters, text.data[i]) || text.data[i] == '\0') {
            return false;
        }
    }
    return text.size > 0;
}

static size_t digits_at(struct span text, size_t at)
{
    size_t start = at;

    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at - start;
}

static bool is_number(struct span text)
{
    size_t at = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t whole, fraction = 0;

    if (text.size > 2 && text.data[0] == '0' && (text.data[1] == 'o' || text.data[1] == 'x')) {
        return consists_of(span_skip(text, 2), text.data[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF");
    }
    if (ONE_OF(text, ".nan", ".NaN", ".NAN") || ONE_OF(span_skip(text, at), ".inf", ".Inf", ".INF")) {
        return true;
    }
    whole = digits_at(text, at);
    at += whole;
    if (at < text.size && text.data[at] == '.') {
        fraction = digits_at(text, at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        size_t digits;

        at++;
        at += at < text.size && (text.data[at] == '-' || text.data[at] == '+');
        digits = digits_at(text, at);
        if (digits == 0) {
            return false;
        }
        at += digits;
    }
    return at == text.size;
}

enum doc_kind yaml_schema_kind(struct span plain, bool *ret_truth)
{
    if (plain.size == 0 || ONE_OF(plain, "~", "null", "Null", "NULL")) {
        return DOC_NULL;
    }
    if (ONE_OF(plain, "true", "True", "TRUE") || ONE_OF(plain, "false", "False", "FALSE")) {
        *ret_truth = plain.data[0] == 't' || plain.data[0] == 'T';
        return DOC_BOOL;
    }
    return is_number(plain) ? DOC_NUMBER : DOC_STRING;
}

bool yaml_schema_is_safe(struct span text)
{
    static const char inside[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+@=:, ";
    bool truth;

    if (!consists_of(text, inside) || yaml_schema_kind(text, &truth) != DOC_STRING ||
        ONE_OF(text, "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO") ||
        ONE_OF(text, "on", "On", "ON", "off", "Off", "OFF", "=")) {
        return false;
    }
    /* A text that starts like a number is one to some reader: 1:30, 0755, 2024-05-06. */
    if (strchr("-.+@=:, 0123456789", text.data[0]) || strchr(" :", text.data[text.size - 1])) {
        return false;
    }
    return !memmem(text.data, text.size, ": ", 2) && !memmem(text.data, text.size, ", ", 2);
}
