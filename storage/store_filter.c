#include "storage/store_filter.h"

#include "storage/version.h"

bool store_pattern_is_any(const struct store_pattern *pattern)
{
    return pattern->count == 2 && pattern->pieces[0].size == 0 && pattern->pieces[1].size == 0;
}

bool store_pattern_matches(const struct store_pattern *pattern, struct span text)
{
    struct span first = pattern->pieces[0];
    struct span last = pattern->pieces[pattern->count - 1];

    if (pattern->count == 1) {
        return span_equal(first, text);
    }
    if (text.size == 0) {
        text.data = ""; /* may have been NULL */
    }
    if (text.size < first.size + last.size || !span_starts_with(text, first) ||
        !span_equal(span_skip(text, text.size - last.size), last)) {
        return false;
    }
    text = span_make(text.data + first.size, text.size - first.size - last.size);
    for (size_t i = 1; i + 1 < pattern->count; i++) {
        struct span piece = pattern->pieces[i];
        const char *found = piece.size > 0 ? memmem(text.data, text.size, piece.data, piece.size) : text.data;

        if (piece.size > 0 && !found) {
            return false;
        }
        text = span_skip(text, (size_t)(found - text.data) + piece.size);
    }
    return true;
}

bool store_pattern_matches_all_of(const struct store_pattern *pattern, struct span begin)
{
    return pattern->count > 1 && pattern->pieces[pattern->count - 1].size == 0 && store_pattern_matches(pattern, begin);
}

static bool label_holds(const struct store_test *test, const struct store_keys *keys)
{
    for (uint32_t i = 0; i < keys->label_count; i++) {
        if (span_equal(keys->labels[i].key, test->key)) {
            return store_pattern_matches(&test->pattern, keys->labels[i].value);
        }
    }
    return false;
}

static bool label_key_holds(const struct store_test *test, const struct store_keys *keys)
{
    for (uint32_t i = 0; i < keys->label_count; i++) {
        if (store_pattern_matches(&test->pattern, keys->labels[i].key)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct store_test *test, const struct store_keys *keys)
{
    switch (test->kind) {
    case STORE_TEST_DISPLAY_NAME:
        return store_pattern_matches(&test->pattern, keys->display_name);
    case STORE_TEST_STATE:
        return keys->state < 32 && (test->states >> keys->state & 1) != 0;
    case STORE_TEST_CREATE_TIME:
        return keys->create_time_unix_ns >= test->first_unix_ns && keys->create_time_unix_ns <= test->last_unix_ns;
    case STORE_TEST_LABEL:
        return label_holds(test, keys);
    case STORE_TEST_LABEL_KEY:
        return label_key_holds(test, keys);
    }
    return false;
}

bool store_filter_matches_keys(const struct store_filter *filter, const struct store_keys *keys)
{
    uint16_t at = 0;

    if (!filter) {
        return true;
    }
    while (at < filter->count) {
        at = filter->tests[at].next[holds(&filter->tests[at], keys)];
    }
    return at == STORE_FILTER_MATCH;
}

static unsigned kinds_in(const struct store_filter *filter)
{
    unsigned kinds = 0;

    for (uint16_t i = 0; i < filter->count; i++) {
        kinds |= 1u << filter->tests[i].kind;
    }
    return kinds;
}

/* Only the keys that are asked for: each may cost a line of memory. */
bool store_filter_matches(const struct store_filter *filter, const struct store_version *version)
{
    struct store_keys keys;
    unsigned kinds;

    if (!filter) {
        return true;
    }
    kinds = kinds_in(filter);
    keys.state = store_version_state(version);
    keys.create_time_unix_ns = version_create_time_unix_ns(version);
    keys.label_count = 0;
    if (kinds & 1u << STORE_TEST_DISPLAY_NAME) {
        keys.display_name = version_display_name(version);
    }
    if (kinds & (1u << STORE_TEST_LABEL | 1u << STORE_TEST_LABEL_KEY)) {
        keys.label_count = version_label_count(version);
        for (uint32_t i = 0; i < keys.label_count; i++) {
            keys.labels[i] = version_label(version, i);
        }
    }
    return store_filter_matches_keys(filter, &keys);
}
