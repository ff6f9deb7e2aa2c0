/* text: bytes that grow; what output and requests are put together in.
 *
 * Used by   cli/, and server/ for JSON.
 * Shape     a zeroed struct text is empty and ready; data is NUL terminated once something was added.
 * Owns      its bytes, until text_deinit.
 * Thread    the caller's.
 * Errors    memory that is gone is remembered: later additions do nothing, and text_check tells it at the end.
 */
#ifndef BASE_TEXT_H_
#define BASE_TEXT_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct text {
    char *data;
    size_t size;
    size_t capacity;
    bool failed;
};

void text_add(struct text *text, struct span bytes);
void text_add_char(struct text *text, char character);
void text_add_repeated(struct text *text, char character, size_t count);
void text_add_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void text_add_text(struct text *text, const char *added)
{
    text_add(text, span_of(added));
}

/* Keeps the first size bytes; size must not exceed what is there. */
void text_cut(struct text *text, size_t size);
void text_deinit(struct text *text);

struct span text_span(const struct text *text);
/* Never NULL. */
const char *text_c(const struct text *text);
/* ERR_EXHAUSTED when memory was gone on the way. */
MUST_USE int text_check(const struct text *text, struct err *err);

C_DECLS_END

#endif /* BASE_TEXT_H_ */
