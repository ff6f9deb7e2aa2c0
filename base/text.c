#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for size more bytes and a NUL. */
static bool reserve(struct text *text, size_t size)
{
    size_t wanted = text->size + size + 1;
    size_t capacity = text->capacity ? text->capacity : 64;
    char *data;

    if (text->failed) {
        return false;
    }
    if (wanted <= text->capacity) {
        return true;
    }
    while (capacity < wanted) {
        capacity *= 2;
    }
    data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, struct span bytes)
{
    if (!reserve(text, bytes.size)) {
        return;
    }
    if (bytes.size > 0) {
        memcpy(text->data + text->size, bytes.data, bytes.size);
    }
    text->size += bytes.size;
    text->data[text->size] = '\0';
}

void text_add_char(struct text *text, char character)
{
    text_add(text, span_make(&character, 1));
}

void text_add_repeated(struct text *text, char character, size_t count)
{
    if (!reserve(text, count)) {
        return;
    }
    memset(text->data + text->size, character, count);
    text->size += count;
    text->data[text->size] = '\0';
}

void text_add_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(text, (size_t)length)) {
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->data + text->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)length;
}

void text_cut(struct text *text, size_t size)
{
    if (text->data && size <= text->size) {
        text->size = size;
        text->data[size] = '\0';
    }
}

void text_deinit(struct text *text)
{
    free(text->data);
    *text = (struct text){.data = NULL};
}

struct span text_span(const struct text *text)
{
    return span_make(text->data, text->size);
}

const char *text_c(const struct text *text)
{
    return text->data ? text->data : "";
}

int text_check(const struct text *text, struct err *err)
{
    return text->failed ? err_set(err, ERR_EXHAUSTED, "out of memory") : 0;
}
