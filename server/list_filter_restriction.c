#include "server/list_filter_restriction.h"

#include <stdio.h>

#include "job/job_state.h"
#include "server/excerpt.h"
#include "server/list_filter_pattern.h"
#include "server/list_filter_time.h"

#define SHOWN_BYTES (EXCERPT_BYTES + 3)
#define BIT(number) (1u << (number))

struct compiling {
    struct span text;
    const struct filter_comparison *comparison;
    struct upb_Arena *arena;
    struct store_test *test;
    struct err *err;
};

struct filter_field {
    const char *name;
    const char *json_name;
    enum list_filter_of of;
    bool keyed;         /* takes a ".key" */
    unsigned operators; /* bits; of a keyed field, those with a key */
    const char *operators_shown;
    int (*compile)(struct compiling *compiling);
};

static int refuse_value(struct compiling *compiling, const char *expected)
{
    char shown[SHOWN_BYTES];
    const struct filter_token *value = &compiling->comparison->value;

    return filter_refuse(compiling->text, value->offset, compiling->err, "expected %s, found %s", expected,
                         filter_token_shown(value, shown, sizeof shown));
}

static int make_pattern(struct compiling *compiling, const struct filter_token *token,
                        struct store_pattern *ret_pattern)
{
    return filter_pattern_make(compiling->text, token->text, compiling->arena, ret_pattern, compiling->err);
}

static int compile_display_name(struct compiling *compiling)
{
    compiling->test->kind = STORE_TEST_DISPLAY_NAME;
    return make_pattern(compiling, &compiling->comparison->value, &compiling->test->pattern);
}

static int compile_state(struct compiling *compiling)
{
    struct store_test *test = compiling->test;
    struct store_pattern pattern;

    if (make_pattern(compiling, &compiling->comparison->value, &pattern)) {
        return -1;
    }
    test->kind = STORE_TEST_STATE;
    test->states = 0;
    for (int state = 0; state < JOB_STATE_COUNT; state++) {
        if (store_pattern_matches(&pattern, span_of(job_state_name((enum job_state)state)))) {
            test->states |= BIT(state);
        }
    }
    if (store_pattern_is_any(&pattern) && compiling->comparison->sign.op == FILTER_HAS) {
        test->states &= ~BIT(JOB_STATE_UNSPECIFIED);
    }
    if (test->states == 0) {
        return refuse_value(compiling, "a JobState such as JOB_STATE_RUNNING");
    }
    return 0;
}

static int compile_done(struct compiling *compiling)
{
    struct store_pattern pattern;

    if (make_pattern(compiling, &compiling->comparison->value, &pattern)) {
        return -1;
    }
    compiling->test->kind = STORE_TEST_STATE;
    if (store_pattern_is_any(&pattern)) {
        compiling->test->states = BIT(1);
    } else if (pattern.count == 1 && span_equal_text(pattern.pieces[0], "true")) {
        compiling->test->states = BIT(1);
    } else if (pattern.count == 1 && span_equal_text(pattern.pieces[0], "false")) {
        compiling->test->states = BIT(0);
    } else {
        return refuse_value(compiling, "true or false");
    }
    return 0;
}

static void set_range(struct store_test *test, enum filter_operator op, int64_t unix_ns)
{
    bool below = op == FILTER_LESS || op == FILTER_LESS_EQUAL;
    bool above = op == FILTER_GREATER || op == FILTER_GREATER_EQUAL;

    test->first_unix_ns = below ? INT64_MIN : unix_ns;
    test->last_unix_ns = above ? INT64_MAX : unix_ns;
    if (op == FILTER_LESS && unix_ns > INT64_MIN) {
        test->last_unix_ns--;
    } else if (op == FILTER_GREATER && unix_ns < INT64_MAX) {
        test->first_unix_ns++;
    }
}

static int compile_create_time(struct compiling *compiling)
{
    enum filter_operator op = compiling->comparison->sign.op;
    struct store_test *test = compiling->test;
    struct store_pattern pattern;
    int64_t unix_ns;

    if (make_pattern(compiling, &compiling->comparison->value, &pattern)) {
        return -1;
    }
    test->kind = STORE_TEST_CREATE_TIME;
    if (op == FILTER_HAS && store_pattern_is_any(&pattern)) {
        set_range(test, FILTER_GREATER, 0); /* 0: not set */
        return 0;
    }
    if (pattern.count != 1 || !filter_time_parse(pattern.pieces[0], &unix_ns)) {
        return refuse_value(compiling, "an RFC 3339 time such as 2024-05-18T00:00:00Z");
    }
    set_range(test, op, unix_ns);
    return 0;
}

/* labels:KEY */
static int compile_label_keys(struct compiling *compiling)
{
    const struct filter_token *sign = &compiling->comparison->sign;

    if (sign->op != FILTER_HAS) {
        return filter_refuse(compiling->text, sign->offset, compiling->err,
                             "labels takes : and a key; for a value write labels.KEY %.*s VALUE",
                             SPAN_FORMAT(sign->text));
    }
    compiling->test->kind = STORE_TEST_LABEL_KEY;
    return make_pattern(compiling, &compiling->comparison->value, &compiling->test->pattern);
}

static int compile_labels(struct compiling *compiling)
{
    const struct filter_comparison *comparison = compiling->comparison;
    struct store_pattern key;

    if (comparison->path_count == 1) {
        return compile_label_keys(compiling);
    }
    if (make_pattern(compiling, &comparison->path[1], &key)) {
        return -1;
    }
    if (key.count != 1 || key.pieces[0].size == 0) {
        return filter_refuse(compiling->text, comparison->path[1].offset, compiling->err,
                             "expected the key of a label, without wildcards");
    }
    compiling->test->kind = STORE_TEST_LABEL;
    compiling->test->key = key.pieces[0];
    return make_pattern(compiling, &comparison->value, &compiling->test->pattern);
}

#define OPERATORS_TEXT (BIT(FILTER_EQUAL) | BIT(FILTER_NOT_EQUAL) | BIT(FILTER_HAS))
#define OPERATORS_ALL \
    (OPERATORS_TEXT | BIT(FILTER_LESS) | BIT(FILTER_LESS_EQUAL) | BIT(FILTER_GREATER) | BIT(FILTER_GREATER_EQUAL))

static const struct filter_field fields[] = {
    {"display_name", "displayName", LIST_FILTER_JOBS, false, OPERATORS_TEXT, "=, != and :", compile_display_name},
    {"state", "state", LIST_FILTER_JOBS, false, OPERATORS_TEXT, "=, != and :", compile_state},
    {"create_time", "createTime", LIST_FILTER_JOBS, false, OPERATORS_ALL, "", compile_create_time},
    {"labels", "labels", LIST_FILTER_JOBS, true, OPERATORS_TEXT, "=, != and :", compile_labels},
    {"done", "done", LIST_FILTER_OPERATIONS, false, OPERATORS_TEXT, "=, != and :", compile_done}};

static int refuse_field(enum list_filter_of of, const struct compiling *compiling)
{
    const struct filter_token *field = &compiling->comparison->path[0];

    return filter_refuse(compiling->text, field->offset, compiling->err, "\"%.*s\" cannot be filtered on; %s",
                         SPAN_FORMAT(excerpt(field->text)),
                         of == LIST_FILTER_JOBS ? "display_name, state, create_time and labels can" : "done can");
}

static const struct filter_field *find_field(enum list_filter_of of, const struct filter_token *token)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].of == of && token->kind == FILTER_WORD &&
            (span_equal_text(token->text, fields[i].name) || span_equal_text(token->text, fields[i].json_name))) {
            return &fields[i];
        }
    }
    return NULL;
}

int filter_restriction_compile(enum list_filter_of of, struct span text, const struct filter_comparison *comparison,
                               struct upb_Arena *arena, struct store_test *ret_test, struct err *err)
{
    struct store_test test = {.states = 0};
    struct compiling compiling = {text, comparison, arena, &test, err};
    const struct filter_field *field = find_field(of, &comparison->path[0]);
    const struct filter_token *sign = &comparison->sign;

    if (!field) {
        return refuse_field(of, &compiling);
    }
    if (comparison->path_count > 1 && !field->keyed) {
        return filter_refuse(text, comparison->path[1].offset, err, "%s has no fields of its own", field->name);
    }
    if (!(field->operators & BIT(sign->op))) {
        return filter_refuse(text, sign->offset, err, "%s takes %s, not %.*s", field->name, field->operators_shown,
                             SPAN_FORMAT(sign->text));
    }
    if (field->compile(&compiling)) {
        return -1;
    }
    *ret_test = test;
    return 0;
}
