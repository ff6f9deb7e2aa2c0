#include "server/list_filter_pattern.h"

#include "upb/arena.h"

/* What a backslash and this character stand for; false: nothing. Letters and digits are kept for meanings to come. */
static bool unescape(char c, char *ret_c)
{
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

    *ret_c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c);
    return !is_word || *ret_c != c;
}

/* Copies the text into bytes with escapes undone, and notes where its pieces lie. */
static int cut(struct span filter_text, struct span text, char *bytes, struct span *pieces, size_t *ret_count,
               struct err *err)
{
    char *start = bytes;
    char *end = bytes;
    size_t count = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '*') {
            pieces[count++] = span_make(start, (size_t)(end - start));
            start = end;
        } else if (text.data[i] != '\\') {
            *end++ = text.data[i];
        } else {
            size_t offset = (size_t)(text.data + i - filter_text.data);

            if (++i == text.size) {
                return filter_refuse(filter_text, offset, err, "expected a character after the backslash");
            }
            if (!unescape(text.data[i], end++)) {
                return filter_refuse(filter_text, offset, err,
                                     "\\%c is no escape; \\n, \\r, \\t and a backslash before punctuation are",
                                     text.data[i]);
            }
        }
    }
    pieces[count++] = span_make(start, (size_t)(end - start));
    *ret_count = count;
    return 0;
}

int filter_pattern_make(struct span filter_text, struct span token_text, struct upb_Arena *arena,
                        struct store_pattern *ret_pattern, struct err *err)
{
    size_t wildcards = 0;
    struct span *pieces;
    char *bytes;

    for (size_t i = 0; i < token_text.size; i++) {
        wildcards += token_text.data[i] == '*';
    }
    pieces = upb_Arena_Malloc(arena, (wildcards + 1) * sizeof *pieces);
    bytes = upb_Arena_Malloc(arena, token_text.size + 1);
    if (!pieces || !bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a filter");
    }
    ret_pattern->pieces = pieces;
    return cut(filter_text, token_text, bytes, pieces, &ret_pattern->count, err);
}
