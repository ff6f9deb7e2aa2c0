/* span: a borrowed run of bytes, pointer and length.
 *
 * Used by   everything.
 * Owns      nothing: the bytes belong to whoever made them and must outlive the span.
 * Thread    a value; copy freely.      Units     bytes.
 */
#ifndef BASE_SPAN_H_
#define BASE_SPAN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct span {
    const char *data; /* not NUL terminated; may be NULL when size is 0 */
    size_t size;
};

static inline struct span span_make(const void *data, size_t size)
{
    struct span span;
    span.data = (const char *)data;
    span.size = size;
    return span;
}

static inline struct span span_of(const char *text)
{
    return span_make(text, text ? strlen(text) : 0);
}

static inline bool span_equal(struct span left, struct span right)
{
    return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

static inline bool span_equal_text(struct span span, const char *text)
{
    return span_equal(span, span_of(text));
}

static inline bool span_starts_with(struct span span, struct span prefix)
{
    return span.size >= prefix.size && (prefix.size == 0 || memcmp(span.data, prefix.data, prefix.size) == 0);
}

/* The span without its first count bytes; count must not exceed the size. */
static inline struct span span_skip(struct span span, size_t count)
{
    return span_make(span.data + count, span.size - count);
}

/* A copy with a NUL behind it, to be freed; NULL when memory is gone. strndup would look for a NUL within. */
static inline char *span_copy_text(struct span span)
{
    char *text = (char *)malloc(span.size + 1);

    if (text) {
        if (span.size > 0) {
            memcpy(text, span.data, span.size);
        }
        text[span.size] = '\0';
    }
    return text;
}

/* For printf("%.*s", SPAN_FORMAT(span)). */
#define SPAN_FORMAT(span) (int)(span).size, (span).data ? (span).data : ""

#endif /* BASE_SPAN_H_ */
