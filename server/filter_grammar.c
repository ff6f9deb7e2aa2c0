#include "server/filter_grammar.h"

#include <stdio.h>

#include "server/excerpt.h"

#define SHOWN_BYTES (EXCERPT_BYTES + 3)

/* Until a part of the filter is joined with others, its jumps are its answers: FILTER_MATCH where the part is true,
 * FILTER_NO_MATCH where it is false. */
struct parser {
    size_t path_max;
    filter_compile_fn compile;
    void *context;
    struct filter_lexer lexer;
    struct filter_token token; /* the one to look at */
    struct filter_jumps *jumps;
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

static void redirect(struct filter_jumps *jumps, uint16_t from, uint16_t to, uint16_t answer, uint16_t target)
{
    for (uint16_t i = from; i < to; i++) {
        for (int side = 0; side < 2; side++) {
            if (jumps->next[i][side] == answer) {
                jumps->next[i][side] = target;
            }
        }
    }
}

static void negate(struct filter_jumps *jumps, uint16_t from)
{
    const uint16_t aside = FILTER_MATCH - 1;

    redirect(jumps, from, jumps->count, FILTER_MATCH, aside);
    redirect(jumps, from, jumps->count, FILTER_NO_MATCH, FILTER_MATCH);
    redirect(jumps, from, jumps->count, aside, FILTER_NO_MATCH);
}

static bool is_key(const struct filter_token *token)
{
    return token->kind == FILTER_WORD || token->kind == FILTER_STRING || token->kind == FILTER_AND ||
           token->kind == FILTER_OR || token->kind == FILTER_NOT;
}

/* Up to the operator. */
static int parse_path(struct parser *parser, struct filter_comparison *comparison)
{
    comparison->path[0] = parser->token;
    comparison->path_count = 1;
    if (parser->token.kind != FILTER_WORD) {
        return refuse_token(parser, "a field");
    }
    if (advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    while (parser->token.kind == FILTER_DOT && comparison->path_count < parser->path_max) {
        if (advance(parser, FILTER_WANT_ANY)) {
            return -1;
        }
        if (!is_key(&parser->token)) {
            return refuse_token(parser, "a key after the dot");
        }
        comparison->path[comparison->path_count++] = parser->token;
        if (advance(parser, FILTER_WANT_ANY)) {
            return -1;
        }
    }
    return 0;
}

static int parse_value(struct parser *parser, struct filter_comparison *comparison)
{
    if (advance(parser, FILTER_WANT_VALUE)) {
        return -1;
    }
    switch (parser->token.kind) {
    case FILTER_WORD:
    case FILTER_STRING:
        comparison->value = parser->token;
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

static int parse_comparison(struct parser *parser)
{
    struct filter_jumps *jumps = parser->jumps;
    struct filter_comparison comparison;
    bool is_not;

    if (jumps->count == LIMIT_FILTER_TERMS) {
        return filter_refuse(parser->lexer.text, parser->token.offset, parser->err,
                             "the filter has more than %d comparisons", LIMIT_FILTER_TERMS);
    }
    if (parse_path(parser, &comparison)) {
        return -1;
    }
    if (parser->token.kind == FILTER_OPEN) {
        return filter_refuse(parser->lexer.text, parser->token.offset, parser->err, "functions are not supported");
    }
    if (parser->token.kind != FILTER_OPERATOR) {
        return refuse_token(parser, "an operator (=, !=, <, <=, >, >= or :)");
    }
    comparison.sign = parser->token;
    if (parse_value(parser, &comparison) || parser->compile(parser->context, jumps->count, &comparison, parser->err)) {
        return -1;
    }
    is_not = comparison.sign.op == FILTER_NOT_EQUAL;
    jumps->next[jumps->count][is_not] = FILTER_NO_MATCH;
    jumps->next[jumps->count][!is_not] = FILTER_MATCH;
    jumps->count++;
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
    uint16_t start = parser->jumps->count;

    if (negated && advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    if (parser->token.kind == FILTER_OPEN ? parse_parentheses(parser) : parse_comparison(parser)) {
        return -1;
    }
    if (negated) {
        negate(parser->jumps, start);
    }
    return 0;
}

static int parse_factor(struct parser *parser)
{
    uint16_t start = parser->jumps->count;

    if (parse_term(parser)) {
        return -1;
    }
    while (parser->token.kind == FILTER_OR) {
        uint16_t middle = parser->jumps->count;

        if (advance(parser, FILTER_WANT_ANY) || parse_term(parser)) {
            return -1;
        }
        redirect(parser->jumps, start, middle, FILTER_NO_MATCH, middle);
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
    uint16_t start = parser->jumps->count;

    if (parse_factor(parser)) {
        return -1;
    }
    while (parser->token.kind == FILTER_AND || begins_factor(&parser->token)) {
        uint16_t middle = parser->jumps->count;

        if ((parser->token.kind == FILTER_AND && advance(parser, FILTER_WANT_ANY)) || parse_factor(parser)) {
            return -1;
        }
        redirect(parser->jumps, start, middle, FILTER_MATCH, middle);
    }
    return 0;
}

static int parse(struct parser *parser)
{
    if (advance(parser, FILTER_WANT_ANY)) {
        return -1;
    }
    if (parser->token.kind == FILTER_END) {
        return 0;
    }
    if (parse_expression(parser)) {
        return -1;
    }
    return parser->token.kind == FILTER_END ? 0 : refuse_token(parser, "AND, OR, another comparison or the end");
}

int filter_grammar_parse(struct span text, size_t path_max, filter_compile_fn compile, void *context,
                         struct filter_jumps *ret_jumps, struct err *err)
{
    struct parser parser = {.path_max = path_max,
                            .compile = compile,
                            .context = context,
                            .lexer = {text, 0},
                            .jumps = ret_jumps,
                            .err = err};

    ret_jumps->count = 0;
    if (text.size > LIMIT_FILTER_BYTES) {
        return err_set(err, ERR_INVALID, "the filter has %zu bytes, the limit is %d", text.size, LIMIT_FILTER_BYTES);
    }
    return parse(&parser);
}
