#include "server/log_filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/excerpt.h"
#include "server/list_filter_time.h"
#include "server/log_severity.h"
#include "upb/arena.h"

#define SHOWN_BYTES (EXCERPT_BYTES + 3)
#define PATH_BYTES 64

struct compiling {
    struct span text;
    struct upb_Arena *arena;
    struct log_filter *filter;
};

static const struct {
    const char *path;
    enum log_field field;
} fields[] = {{"resource.type", LOG_FIELD_RESOURCE_TYPE},
              {"resource.labels.job_id", LOG_FIELD_JOB_ID},
              {"resource.labels.task_name", LOG_FIELD_TASK_NAME},
              {"resource.labels.project_id", LOG_FIELD_PROJECT_ID},
              {"timestamp", LOG_FIELD_TIMESTAMP},
              {"severity", LOG_FIELD_SEVERITY},
              {"insertId", LOG_FIELD_INSERT_ID},
              {"insert_id", LOG_FIELD_INSERT_ID},
              {"logName", LOG_FIELD_LOG_NAME},
              {"log_name", LOG_FIELD_LOG_NAME},
              {"textPayload", LOG_FIELD_TEXT},
              {"text_payload", LOG_FIELD_TEXT},
              {"jsonPayload.message", LOG_FIELD_MESSAGE},
              {"json_payload.message", LOG_FIELD_MESSAGE}};

/* ---- compiling ---- */

static int find_field(const struct compiling *compiling, const struct filter_comparison *comparison,
                      enum log_field *ret_field, struct err *err)
{
    const struct filter_token *last = &comparison->path[comparison->path_count - 1];
    size_t begin = comparison->path[0].offset;
    struct span path = span_make(compiling->text.data + begin, last->offset + last->text.size - begin);

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (span_equal_text(path, fields[i].path)) {
            *ret_field = fields[i].field;
            return 0;
        }
    }
    return filter_refuse(compiling->text, begin, err,
                         "\"%.*s\" cannot be filtered on; resource.type, resource.labels.job_id, .task_name and "
                         ".project_id, timestamp, severity, insertId, logName, textPayload and jsonPayload.message can",
                         SPAN_FORMAT(excerpt(path)));
}

/* A backslash takes the next character as it is. */
static int unescape(const struct compiling *compiling, struct span text, struct span *ret_text, struct err *err)
{
    char *bytes = upb_Arena_Malloc(compiling->arena, text.size + 1);
    size_t size = 0;

    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a filter");
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\' && i + 1 < text.size) {
            i++;
        }
        bytes[size++] = text.data[i];
    }
    *ret_text = span_make(bytes, size);
    return 0;
}

static int compile_number(const struct compiling *compiling, const struct filter_comparison *comparison,
                          struct log_test *test, struct err *err)
{
    char shown[SHOWN_BYTES];
    int32_t severity;
    bool is_time = test->field == LOG_FIELD_TIMESTAMP;

    if (is_time ? filter_time_parse(test->text, &test->number) : log_severity_parse(test->text, &severity)) {
        test->number = is_time ? test->number : severity;
        return 0;
    }
    return filter_refuse(compiling->text, comparison->value.offset, err, "expected %s, found %s",
                         is_time ? "an RFC 3339 time such as 2024-05-18T00:00:00Z" : "a severity such as ERROR",
                         filter_token_shown(&comparison->value, shown, sizeof shown));
}

static bool is_presence(const struct log_test *test)
{
    return test->op == FILTER_HAS && span_equal_text(test->text, "*");
}

static int compile(void *context, uint16_t index, const struct filter_comparison *comparison, struct err *err)
{
    struct compiling *compiling = context;
    struct log_test test = {.op = comparison->sign.op == FILTER_NOT_EQUAL ? FILTER_EQUAL : comparison->sign.op};

    if (find_field(compiling, comparison, &test.field, err) ||
        unescape(compiling, comparison->value.text, &test.text, err)) {
        return -1;
    }
    if (test.field >= LOG_FIELD_TEXTS && !is_presence(&test) && compile_number(compiling, comparison, &test, err)) {
        return -1;
    }
    compiling->filter->asks_payload = compiling->filter->asks_payload || test.field == LOG_FIELD_TEXT ||
                                      test.field == LOG_FIELD_MESSAGE || test.field == LOG_FIELD_SEVERITY;
    compiling->filter->tests[index] = test;
    return 0;
}

/* Whether a match can be had although the test does not hold. */
static bool matches_without(const struct filter_jumps *jumps, uint16_t test)
{
    bool reached[LIMIT_FILTER_TERMS] = {true};

    for (uint16_t i = 0; i < jumps->count; i++) {
        for (int holds = 0; reached[i] && holds < 2; holds++) {
            uint16_t next = jumps->next[i][holds];

            if (i == test && holds) {
                continue;
            }
            if (next == FILTER_MATCH) {
                return true;
            }
            if (next != FILTER_NO_MATCH) {
                reached[next] = true;
            }
        }
    }
    return false;
}

static void narrow_times(struct log_filter *filter, const struct log_test *test)
{
    bool below = test->op == FILTER_LESS || test->op == FILTER_LESS_EQUAL;
    bool above = test->op == FILTER_GREATER || test->op == FILTER_GREATER_EQUAL;

    if (!below && test->number > filter->first_unix_ns) {
        filter->first_unix_ns = test->number;
    }
    if (!above && test->number < filter->last_unix_ns) {
        filter->last_unix_ns = test->number;
    }
}

/* What has to hold of every match keeps the search short. */
static void find_needed(struct log_filter *filter)
{
    for (uint16_t i = 0; i < filter->jumps.count; i++) {
        const struct log_test *test = &filter->tests[i];

        if (matches_without(&filter->jumps, i) || is_presence(test)) {
            continue;
        }
        if (test->field == LOG_FIELD_JOB_ID && test->op == FILTER_EQUAL) {
            filter->job_id = test->text;
        } else if (test->field == LOG_FIELD_TIMESTAMP) {
            narrow_times(filter, test);
        }
    }
}

int log_filter_compile(struct span text, struct upb_Arena *arena, const struct log_filter **ret_filter, struct err *err)
{
    struct log_filter *filter = upb_Arena_Malloc(arena, sizeof *filter);
    struct compiling compiling = {text, arena, filter};

    if (!filter) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a filter");
    }
    filter->asks_payload = false;
    filter->job_id = span_make(NULL, 0);
    filter->first_unix_ns = INT64_MIN;
    filter->last_unix_ns = INT64_MAX;
    if (filter_grammar_parse(text, FILTER_PATH_MAX, compile, &compiling, &filter->jumps, err)) {
        return -1;
    }
    find_needed(filter);
    *ret_filter = filter;
    return 0;
}

/* ---- asking ---- */

static bool contains(struct span text, struct span part)
{
    for (size_t at = 0; at + part.size <= text.size; at++) {
        size_t same = 0;

        while (same < part.size &&
               tolower((unsigned char)text.data[at + same]) == tolower((unsigned char)part.data[same])) {
            same++;
        }
        if (same == part.size) {
            return true;
        }
    }
    return false;
}

static int compare_texts(struct span left, struct span right)
{
    size_t common = left.size < right.size ? left.size : right.size;
    int result = common > 0 ? memcmp(left.data, right.data, common) : 0;

    return result != 0 ? result : (left.size > right.size) - (left.size < right.size);
}

static bool holds_of(enum filter_operator op, int order)
{
    switch (op) {
    case FILTER_LESS:
        return order < 0;
    case FILTER_LESS_EQUAL:
        return order <= 0;
    case FILTER_GREATER:
        return order > 0;
    case FILTER_GREATER_EQUAL:
        return order >= 0;
    case FILTER_EQUAL:
    case FILTER_NOT_EQUAL:
    case FILTER_HAS:
        break;
    }
    return order == 0;
}

static bool holds(const struct log_test *test, const struct log_facts *facts)
{
    int64_t number = test->field == LOG_FIELD_TIMESTAMP ? facts->time_unix_ns : facts->severity;

    if (test->field < LOG_FIELD_TEXTS) {
        struct span text = facts->texts[test->field];

        if (test->op == FILTER_HAS) {
            return text.size > 0 && (is_presence(test) || contains(text, test->text));
        }
        return holds_of(test->op, compare_texts(text, test->text));
    }
    if (is_presence(test)) {
        return number != 0;
    }
    return holds_of(test->op, (number > test->number) - (number < test->number));
}

bool log_filter_matches(const struct log_filter *filter, const struct log_facts *facts)
{
    uint16_t at = filter->jumps.count > 0 ? 0 : FILTER_MATCH;

    while (at < LIMIT_FILTER_TERMS) {
        at = filter->jumps.next[at][holds(&filter->tests[at], facts)];
    }
    return at == FILTER_MATCH;
}
