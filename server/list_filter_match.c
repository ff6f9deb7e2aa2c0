#include "server/list_filter.h"
#include "server/list_filter_program.h"

static bool label_holds(const struct filter_test *test, const struct store_keys *keys)
{
    for (uint32_t i = 0; i < keys->label_count; i++) {
        if (span_equal(keys->labels[i].key, test->key)) {
            return filter_pattern_matches(&test->pattern, keys->labels[i].value);
        }
    }
    return false;
}

static bool label_key_holds(const struct filter_test *test, const struct store_keys *keys)
{
    for (uint32_t i = 0; i < keys->label_count; i++) {
        if (filter_pattern_matches(&test->pattern, keys->labels[i].key)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct filter_test *test, const struct store_keys *keys)
{
    switch (test->kind) {
    case FILTER_TEST_DISPLAY_NAME:
        return filter_pattern_matches(&test->pattern, keys->display_name);
    case FILTER_TEST_STATE:
        return keys->state < 32 && (test->states >> keys->state & 1) != 0;
    case FILTER_TEST_CREATE_TIME:
        return keys->create_time_unix_ns >= test->first_unix_ns && keys->create_time_unix_ns <= test->last_unix_ns;
    case FILTER_TEST_LABEL:
        return label_holds(test, keys);
    case FILTER_TEST_LABEL_KEY:
        return label_key_holds(test, keys);
    }
    return false;
}

bool list_filter_matches_keys(const struct list_filter *filter, const struct store_keys *keys)
{
    uint16_t at = 0;

    if (!filter) {
        return true;
    }
    while (at < filter->count) {
        at = filter->tests[at].next[holds(&filter->tests[at], keys)];
    }
    return at == FILTER_MATCH;
}

bool list_filter_matches(const struct list_filter *filter, const struct store_version *version)
{
    struct store_keys keys;

    if (filter && filter->state_alone) {
        keys.state = store_version_state(version);
    } else if (filter) {
        store_version_keys(version, &keys);
    }
    return list_filter_matches_keys(filter, &keys);
}
