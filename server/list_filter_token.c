#include "server/list_filter_token.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "server/excerpt.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Ends a bare word that is a value. */
static bool is_reserved(char c)
{
    return c == '(' || c == ')' || c == ',' || c == '"' || c == '\'' || c == '=' || c == '<' || c == '>' || c == '!';
}

static bool ends_word(char c, enum filter_wanted wanted)
{
    return is_space(c) || is_reserved(c) || (wanted == FILTER_WANT_ANY && (c == '.' || c == ':'));
}

/* Characters up to and with the byte at that offset: bytes that do not continue one. */
static size_t column_of(struct span text, size_t offset)
{
    size_t column = 1;

    for (size_t i = 0; i < offset && i < text.size; i++) {
        column += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return column;
}

int filter_refuse(struct span text, size_t offset, struct err *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    err_set_v(err, ERR_INVALID, format, arguments);
    va_end(arguments);
    return err_wrap(err, "column %zu", column_of(text, offset));
}

const char *filter_token_shown(const struct filter_token *token, char *text, size_t text_bytes)
{
    if (token->kind == FILTER_END) {
        return "the end";
    }
    snprintf(text, text_bytes, "\"%.*s\"", SPAN_FORMAT(excerpt(token->text)));
    return text;
}

static int take_string(struct filter_lexer *lexer, struct filter_token *token, struct err *err)
{
    struct span text = lexer->text;
    char quote = text.data[token->offset];
    size_t at = token->offset + 1;

    while (at < text.size && text.data[at] != quote) {
        at += text.data[at] == '\\' && at + 1 < text.size ? 2 : 1;
    }
    if (at >= text.size) {
        return filter_refuse(text, token->offset, err, "the string that begins here has no closing %c", quote);
    }
    token->kind = FILTER_STRING;
    token->text = span_make(text.data + token->offset + 1, at - token->offset - 1);
    lexer->at = at + 1;
    return 0;
}

static void take_word(struct filter_lexer *lexer, enum filter_wanted wanted, struct filter_token *token)
{
    struct span text = lexer->text;
    size_t at = token->offset;

    while (at < text.size && !ends_word(text.data[at], wanted)) {
        at += text.data[at] == '\\' && at + 1 < text.size ? 2 : 1;
    }
    token->kind = FILTER_WORD;
    token->text = span_make(text.data + token->offset, at - token->offset);
    lexer->at = at;
    if (span_equal_text(token->text, "AND")) {
        token->kind = FILTER_AND;
    } else if (span_equal_text(token->text, "OR")) {
        token->kind = FILTER_OR;
    } else if (span_equal_text(token->text, "NOT")) {
        token->kind = FILTER_NOT;
    }
}

/* A value that runs into something: `a=b=c`, `a="b"c`, `a=b(c`. */
static int check_value_end(const struct filter_lexer *lexer, const struct filter_token *token, struct err *err)
{
    char next;

    if (lexer->at >= lexer->text.size) {
        return 0;
    }
    next = lexer->text.data[lexer->at];
    if (is_space(next) || next == ')') {
        return 0;
    }
    if (token->kind == FILTER_STRING) {
        return filter_refuse(lexer->text, lexer->at, err, "expected a space after the string");
    }
    return filter_refuse(lexer->text, lexer->at, err, "a value with %c in it must be quoted", next);
}

static void take_sign(struct filter_lexer *lexer, struct filter_token *token, enum filter_token_kind kind, size_t size)
{
    token->kind = kind;
    token->text = span_make(lexer->text.data + token->offset, size);
    lexer->at = token->offset + size;
}

static int take_operator(struct filter_lexer *lexer, struct filter_token *token, struct err *err)
{
    char sign = lexer->text.data[token->offset];
    bool equal = token->offset + 1 < lexer->text.size && lexer->text.data[token->offset + 1] == '=';

    take_sign(lexer, token, FILTER_OPERATOR, equal && sign != '=' && sign != ':' ? 2 : 1);
    switch (sign) {
    case '=':
        token->op = FILTER_EQUAL;
        return 0;
    case '<':
        token->op = equal ? FILTER_LESS_EQUAL : FILTER_LESS;
        return 0;
    case '>':
        token->op = equal ? FILTER_GREATER_EQUAL : FILTER_GREATER;
        return 0;
    case ':':
        token->op = FILTER_HAS;
        return 0;
    default:
        token->op = FILTER_NOT_EQUAL;
        return equal ? 0 : filter_refuse(lexer->text, token->offset, err, "expected != where there is a lone !");
    }
}

static int take_any(struct filter_lexer *lexer, struct filter_token *token, struct err *err)
{
    switch (lexer->text.data[token->offset]) {
    case '(':
        take_sign(lexer, token, FILTER_OPEN, 1);
        return 0;
    case ')':
        take_sign(lexer, token, FILTER_CLOSE, 1);
        return 0;
    case ',':
        take_sign(lexer, token, FILTER_COMMA, 1);
        return 0;
    case '.':
        take_sign(lexer, token, FILTER_DOT, 1);
        return 0;
    case '-':
        take_sign(lexer, token, FILTER_MINUS, 1);
        return 0;
    case '=':
    case '!':
    case '<':
    case '>':
    case ':':
        return take_operator(lexer, token, err);
    case '"':
    case '\'':
        return take_string(lexer, token, err);
    default:
        take_word(lexer, FILTER_WANT_ANY, token);
        return 0;
    }
}

static int take_value(struct filter_lexer *lexer, struct filter_token *token, struct err *err)
{
    char first = lexer->text.data[token->offset];

    if (first == '"' || first == '\'') {
        return take_string(lexer, token, err) ? -1 : check_value_end(lexer, token, err);
    }
    if (is_reserved(first)) {
        return take_any(lexer, token, err); /* for the parser to refuse */
    }
    take_word(lexer, FILTER_WANT_VALUE, token);
    return check_value_end(lexer, token, err);
}

int filter_lexer_next(struct filter_lexer *lexer, enum filter_wanted wanted, struct filter_token *ret_token,
                      struct err *err)
{
    struct filter_token token = {.kind = FILTER_END, .op = FILTER_EQUAL};

    while (lexer->at < lexer->text.size && is_space(lexer->text.data[lexer->at])) {
        lexer->at++;
    }
    token.offset = lexer->at;
    token.text = span_make(lexer->text.data + lexer->at, 0);
    if (lexer->at < lexer->text.size) {
        if (wanted == FILTER_WANT_VALUE ? take_value(lexer, &token, err) : take_any(lexer, &token, err)) {
            return -1;
        }
    }
    *ret_token = token;
    return 0;
}
