#include "server/list_filter.h"

#include <stdio.h>

#include "server/excerpt.h"
#include "server/list_filter_restriction.h"
#include "upb/arena.h"

#define SHOWN_BYTES (EXCERPT_BYTES + 3)

/* Tests are appended as they are read. Until they are joined with others, the jumps of a part of the filter are its
 * answers: STORE_FILTER_MATCH where the part is true, STORE_FILTER_NO_MATCH where it is false. */
struct parser {
    enum list_filter_of of;
    struct filter_lexer lexer;
    struct filter_token token; /* the one to look at */
    struct upb_Arena *arena;
    struct store_filter *filter;
    int depth;
    struct err *err;
};

static int parse_expression(struct parser *parser);

static int advance(struct parser *parser, enum filter_wanted wanted)
{
    return filter_lexer_next(&parser->lexer, wanted, &parser->token, parser->err);
}

static int refuse_token(struct parser *parser, const char *expected)
{
    char shown[SHOWN_BYTES];

    return filter_refuse(parser->lexer.text, parser->token.offset, parser->err, "expected %s, found %s", expected,
                         filter_token_shown(&parser->token, shown, sizeof shown));
}

static void redirect(struct store_filter *filter, uint16_t from, uint16_t to, uint16_t answer, uint16_t target)
{
    for (uint16_t i = from; i < to; i++) {
        for (int side = 0; side < 2; side++) {
            if (filter->tests[i].next[side] == answer) {
                filter->tests[i].next[side] = target;
            }
        }
    }
}

static void negate(struct store_filter *filter, uint16_t from)
{
    const uint16_t aside = STORE_FILTER_MATCH - 1;

    redirect(filter, from, filter->count, STORE_FILTER_MATCH, aside);
    redirect(filter, from, filter->count, STORE_FILTER_NO_MATCH, STORE_FILTER_MATCH);
    redirect(filter, from, filter->count, aside, STORE_FILTER_NO_MATCH);
}

static bool is_key(const struct filter_token *token)
{
    return token->kind == FILTER_WORD || token->kind == FILTER_STRING || token->kind == FILTER_AND ||
           token->kind == FILTER_OR || token->kind == FILTER_NOT;
}

/* "field" or "field.key", up to the operator. */
static int parse_path(struct parser *parser, struct filter_restriction *restriction)
{
    restriction->field = parser->token;
    if (parser->token.kind != FILTER_WORD) {
        return refuse_token(parser, "a field");
    }
    if (advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    restriction->has_key = parser->token.kind == FILTER_DOT;
    if (!restriction->has_key) {
        return 0;
    }
    if (advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    if (!is_key(&parser->token)) {
        return refuse_token(parser, "a key after the dot");
    }
    restriction->key = parser->token;
    return advance(parser, FILTER_WANT_ANY);
}

static int parse_value(struct parser *parser, struct filter_restriction *restriction)
{
    if (advance(parser, FILTER_WANT_VALUE)) {
        return -1;
    }
    switch (parser->token.kind) {
    case FILTER_WORD:
    case FILTER_STRING:
        restriction->value = parser->token;
        return advance(parser, FILTER_WANT_ANY);
    case FILTER_OPEN:
        return refuse_token(parser, "one value; write each comparison out and join them with OR");
    case FILTER_AND:
    case FILTER_OR:
    case FILTER_NOT:
        return refuse_token(parser, "a value, in quotes if it is a keyword");
    default:
        return refuse_token(parser, "a value");
    }
}

static int parse_restriction(struct parser *parser)
{
    struct store_filter *filter = parser->filter;
    struct filter_restriction restriction = {.has_key = false};

    if (filter->count == LIMIT_FILTER_TERMS) {
        return filter_refuse(parser->lexer.text, parser->token.offset, parser->err,
                             "the filter has more than %d comparisons", LIMIT_FILTER_TERMS);
    }
    if (parse_path(parser, &restriction)) {
        return -1;
    }
    if (parser->token.kind == FILTER_OPEN) {
        return filter_refuse(parser->lexer.text, parser->token.offset, parser->err, "functions are not supported");
    }
    if (parser->token.kind != FILTER_OPERATOR) {
        return refuse_token(parser, "an operator (=, !=, <, <=, >, >= or :)");
    }
    restriction.sign = parser->token;
    if (parse_value(parser, &restriction) ||
        filter_restriction_compile(parser->of, parser->lexer.text, &restriction, parser->arena,
                                   &filter->tests[filter->count], parser->err)) {
        return -1;
    }
    filter->count++;
    return 0;
}

static int parse_parentheses(struct parser *parser)
{
    size_t offset = parser->token.offset;

    if (++parser->depth > LIMIT_FILTER_DEPTH) {
        return filter_refuse(parser->lexer.text, offset, parser->err, "parentheses are nested deeper than %d",
                             LIMIT_FILTER_DEPTH);
    }
    if (advance(parser, FILTER_WANT_ANY) || parse_expression(parser)) {
        return -1;
    }
    if (parser->token.kind != FILTER_CLOSE) {
        return refuse_token(parser, "AND, OR, another comparison or a closing parenthesis");
    }
    parser->depth--;
    return advance(parser, FILTER_WANT_ANY);
}

static int parse_term(struct parser *parser)
{
    bool negated = parser->token.kind == FILTER_NOT || parser->token.kind == FILTER_MINUS;
    uint16_t start = parser->filter->count;

    if (negated && advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    if (parser->token.kind == FILTER_OPEN ? parse_parentheses(parser) : parse_restriction(parser)) {
        return -1;
    }
    if (negated) {
        negate(parser->filter, start);
    }
    return 0;
}

static int parse_factor(struct parser *parser)
{
    uint16_t start = parser->filter->count;

    if (parse_term(parser)) {
        return -1;
    }
    while (parser->token.kind == FILTER_OR) {
        uint16_t middle = parser->filter->count;

        if (advance(parser, FILTER_WANT_ANY) || parse_term(parser)) {
            return -1;
        }
        redirect(parser->filter, start, middle, STORE_FILTER_NO_MATCH, middle);
    }
    return 0;
}

static bool begins_factor(const struct filter_token *token)
{
    return token->kind == FILTER_WORD || token->kind == FILTER_STRING || token->kind == FILTER_NOT ||
           token->kind == FILTER_MINUS || token->kind == FILTER_OPEN;
}

static int parse_expression(struct parser *parser)
{
    uint16_t start = parser->filter->count;

    if (parse_factor(parser)) {
        return -1;
    }
    while (parser->token.kind == FILTER_AND || begins_factor(&parser->token)) {
        uint16_t middle = parser->filter->count;

        if ((parser->token.kind == FILTER_AND && advance(parser, FILTER_WANT_ANY)) || parse_factor(parser)) {
            return -1;
        }
        redirect(parser->filter, start, middle, STORE_FILTER_MATCH, middle);
    }
    return 0;
}

static int parse(struct parser *parser, const struct store_filter **ret_filter)
{
    if (advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    if (parser->token.kind == FILTER_END) {
        *ret_filter = NULL;
        return 0;
    }
    if (parse_expression(parser)) {
        return -1;
    }
    if (parser->token.kind != FILTER_END) {
        return refuse_token(parser, "AND, OR, another comparison or the end");
    }
    *ret_filter = parser->filter;
    return 0;
}

int list_filter_compile(enum list_filter_of of, struct span text, struct upb_Arena *arena,
                        const struct store_filter **ret_filter, struct err *err)
{
    struct parser parser = {.of = of, .lexer = {text, 0}, .arena = arena, .err = err};

    if (text.size == 0) {
        *ret_filter = NULL;
        return 0;
    }
    if (text.size > LIMIT_FILTER_BYTES) {
        return err_set(err, ERR_INVALID, "the filter has %zu bytes, the limit is %d", text.size, LIMIT_FILTER_BYTES);
    }
    parser.filter = upb_Arena_Malloc(arena, sizeof *parser.filter);
    if (!parser.filter) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a filter");
    }
    parser.filter->count = 0;
    return parse(&parser, ret_filter);
}
