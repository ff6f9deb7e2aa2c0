#include "server/rest_query.h"

#include "job/job_spec_text.h"
#include "server/excerpt.h"
#include "upb/arena.h"

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* to has room for all of raw. False: a percent sign without its two digits. */
static bool decode(struct span raw, bool plus_is_space, char *to, size_t *ret_size)
{
    size_t size = 0;

    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];

        if (c == '%') {
            int high = i + 1 < raw.size ? digit_of(raw.data[i + 1]) : -1;
            int low = i + 2 < raw.size ? digit_of(raw.data[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            to[size++] = (char)(high * 16 + low);
            i += 2;
        } else {
            to[size++] = c == '+' && plus_is_space ? ' ' : c;
        }
    }
    *ret_size = size;
    return true;
}

static bool is_text(struct span text)
{
    return text_utf8_bytes(text) == text.size && !(text.size > 0 && memchr(text.data, '\0', text.size));
}

static int decode_segment(struct span raw, char *to, size_t *ret_size, struct err *err)
{
    if (!decode(raw, false, to, ret_size)) {
        return err_set(err, ERR_INVALID, "The path has a %% without two hexadecimal digits: \"%.*s\".",
                       SPAN_FORMAT(excerpt(raw)));
    }
    if (!is_text(span_make(to, *ret_size)) || memchr(to, '/', *ret_size)) {
        return err_set(err, ERR_INVALID,
                       "The path's segment \"%.*s\" is not one when decoded: it holds a slash, or is no UTF-8 text.",
                       SPAN_FORMAT(excerpt(raw)));
    }
    return 0;
}

int rest_decode_name(struct span raw, struct upb_Arena *arena, struct span *ret_name, struct err *err)
{
    char *name = upb_Arena_Malloc(arena, raw.size + 1);
    size_t size = 0;

    if (!name) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a name of %zu bytes", raw.size);
    }
    while (raw.size > 0) {
        const char *slash = memchr(raw.data, '/', raw.size);
        struct span segment = span_make(raw.data, slash ? (size_t)(slash - raw.data) : raw.size);
        size_t decoded;

        if (decode_segment(segment, name + size, &decoded, err)) {
            return -1;
        }
        size += decoded;
        raw = span_skip(raw, segment.size);
        if (slash) {
            name[size++] = '/';
            raw = span_skip(raw, 1);
        }
    }
    *ret_name = span_make(name, size);
    return 0;
}

int rest_decode_segment(struct span raw, struct upb_Arena *arena, struct span *ret_text, struct err *err)
{
    char *text = upb_Arena_Malloc(arena, raw.size + 1);
    size_t size;

    if (!text) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a name of %zu bytes", raw.size);
    }
    if (!decode(raw, false, text, &size) || !is_text(span_make(text, size))) {
        return err_set(err, ERR_INVALID,
                       "The path's segment \"%.*s\" has a %% without two hexadecimal digits, or is no UTF-8 text.",
                       SPAN_FORMAT(excerpt(raw)));
    }
    *ret_text = span_make(text, size);
    return 0;
}

static int decode_word(struct span raw, struct upb_Arena *arena, struct span *ret_word, struct err *err)
{
    char *word = upb_Arena_Malloc(arena, raw.size + 1);
    size_t size;

    if (!word) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a parameter of %zu bytes", raw.size);
    }
    if (!decode(raw, true, word, &size) || !is_text(span_make(word, size))) {
        return err_set(err, ERR_INVALID,
                       "The query's \"%.*s\" is not well-formed: a %% takes two hexadecimal digits, and the bytes are "
                       "to be UTF-8 text.",
                       SPAN_FORMAT(excerpt(raw)));
    }
    *ret_word = span_make(word, size);
    return 0;
}

int rest_next_parameter(struct span *query, struct upb_Arena *arena, struct rest_parameter *ret_parameter,
                        bool *ret_is_end, struct err *err)
{
    while (query->size > 0) {
        const char *end = memchr(query->data, '&', query->size);
        struct span raw = span_make(query->data, end ? (size_t)(end - query->data) : query->size);
        const char *equals = raw.size > 0 ? memchr(raw.data, '=', raw.size) : NULL;
        struct span name = span_make(raw.data, equals ? (size_t)(equals - raw.data) : raw.size);
        struct span value = equals ? span_skip(raw, name.size + 1) : span_make("", 0);
        struct rest_parameter parameter;

        *query = span_skip(*query, raw.size + (end ? 1 : 0));
        if (raw.size == 0) {
            continue;
        }
        if (decode_word(name, arena, &parameter.name, err) || decode_word(value, arena, &parameter.value, err)) {
            return -1;
        }
        *ret_parameter = parameter;
        *ret_is_end = false;
        return 0;
    }
    *ret_is_end = true;
    return 0;
}
