/* list_filter_token: a filter's text as tokens, and where in it something is wrong.
 *
 * Used by   list_filter*.c.
 * Shape     what a bare word may hold depends on where it stands: a value takes ':' and '.', as times have them, which
 *           elsewhere are an operator and a separator. So the parser says what it wants next.
 * Owns      nothing: tokens point into the text.
 * Errors    ERR_INVALID with the column.
 */
#ifndef SERVER_LIST_FILTER_TOKEN_H_
#define SERVER_LIST_FILTER_TOKEN_H_

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

enum filter_token_kind {
    FILTER_END,
    FILTER_WORD,   /* bare: a field, or a value */
    FILTER_STRING, /* quoted; the text is what stands between the quotes, escapes and all */
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_MINUS,
    FILTER_DOT,
    FILTER_OPEN,
    FILTER_CLOSE,
    FILTER_COMMA,
    FILTER_OPERATOR
};

enum filter_operator {
    FILTER_EQUAL,
    FILTER_NOT_EQUAL,
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
    FILTER_HAS
};

struct filter_token {
    enum filter_token_kind kind;
    enum filter_operator op; /* of FILTER_OPERATOR */
    struct span text;
    size_t offset; /* of its first byte, quote included */
};

enum filter_wanted { FILTER_WANT_ANY, FILTER_WANT_VALUE };

struct filter_lexer {
    struct span text;
    size_t at;
};

MUST_USE int filter_lexer_next(struct filter_lexer *lexer, enum filter_wanted wanted, struct filter_token *ret_token,
                               struct err *err);

/* For "expected …, found X": the token in quotes, or "the end". */
const char *filter_token_shown(const struct filter_token *token, char *text, size_t text_bytes);

/* "column N: " and the sentence. Always -1. */
int filter_refuse(struct span text, size_t offset, struct err *err, const char *format, ...) PRINTF_LIKE(4, 5);

C_DECLS_END

#endif /* SERVER_LIST_FILTER_TOKEN_H_ */
