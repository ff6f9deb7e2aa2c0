#include "job/violations.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "job/api.h"

/* What is shown of a value: enough to know it again. */
#define SHOWN_BYTES_MAX 64

static const char NO_MEMORY[] = "(no memory to tell)";

void violations_init(struct violations *violations, struct upb_Arena *arena)
{
    violations->arena = arena;
    violations->count = 0;
}

static const char *print(struct upb_Arena *arena, const char *format, va_list arguments) PRINTF_LIKE(2, 0);

static const char *print(struct upb_Arena *arena, const char *format, va_list arguments)
{
    char text[512];
    va_list again;
    char *copy = NULL;
    int size;

    va_copy(again, arguments);
    size = vsnprintf(text, sizeof text, format, arguments);
    if (size >= 0) {
        copy = upb_Arena_Malloc(arena, (size_t)size + 1);
    }
    if (copy && (size_t)size < sizeof text) {
        memcpy(copy, text, (size_t)size + 1);
    } else if (copy) {
        vsnprintf(copy, (size_t)size + 1, format, again);
    }
    va_end(again);
    return copy ? copy : NO_MEMORY;
}

static const char *copy_text(struct upb_Arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = upb_Arena_Malloc(arena, size);

    return copy ? memcpy(copy, text, size) : NO_MEMORY;
}

void violations_add(struct violations *violations, const char *field, const char *format, ...)
{
    va_list arguments;
    struct violation *item;

    if (violations->count++ >= VIOLATIONS_MAX) {
        return;
    }
    item = &violations->items[violations->count - 1];
    item->field = copy_text(violations->arena, field);
    va_start(arguments, format);
    item->message = print(violations->arena, format, arguments);
    va_end(arguments);
}

const char *violations_field(struct violations *violations, const char *format, ...)
{
    va_list arguments;
    const char *field;

    if (violations->count >= VIOLATIONS_MAX) {
        return "";
    }
    va_start(arguments, format);
    field = print(violations->arena, format, arguments);
    va_end(arguments);
    return field;
}

/* A piece of at most SHOWN_BYTES_MAX that ends where a character does. */
static size_t shown_size(struct span value)
{
    size_t size = value.size;

    if (size > SHOWN_BYTES_MAX) {
        size = SHOWN_BYTES_MAX;
        while (size > 0 && ((unsigned char)value.data[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    return size;
}

const char *violations_show(struct violations *violations, struct span value)
{
    size_t size = shown_size(value);
    char *text;

    if (violations->count >= VIOLATIONS_MAX) {
        return "";
    }
    text = upb_Arena_Malloc(violations->arena, size + sizeof "…");
    if (!text) {
        return NO_MEMORY;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)value.data[i];

        text[i] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
    }
    memcpy(text + size, size < value.size ? "…" : "", size < value.size ? sizeof "…" : 1);
    return text;
}
