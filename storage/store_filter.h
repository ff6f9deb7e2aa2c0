/* store_filter: which rows a list asks for, as a program over their keys.
 *
 * Used by   server/ (compiles the text of a filter to it), store_list (finds the rows by index, then asks it of each).
 * Shape     tests in order, each saying where to go on: begin with test 0 and go to next[holds] until that is an
 *           answer. Jumps lead forward only, so that a walk ends after as many steps as there are tests. AND, OR, NOT
 *           and != are nothing but jumps.
 *           A pattern is what stands between its wildcards, in order: the first piece begins the text, the last ends
 *           it, the others are found one after the other, each as early as it can be. One piece: no wildcard.
 *           Of several labels with one key the first counts.
 * Owns      nothing: spans and pieces are the maker's, and outlive the filter.
 * Bound     LIMIT_FILTER_TERMS tests. Matching is linear in filter and keys, allocates nothing, decodes nothing.
 * Thread    any; constant once made.
 */
#ifndef STORAGE_STORE_FILTER_H_
#define STORAGE_STORE_FILTER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

C_DECLS_BEGIN

struct store_keys;
struct store_version;

struct store_pattern {
    const struct span *pieces;
    size_t count; /* at least 1 */
};

enum store_test_kind {
    STORE_TEST_DISPLAY_NAME,
    STORE_TEST_STATE,       /* a bit per state; of operations: bit 0 not done, bit 1 done */
    STORE_TEST_CREATE_TIME, /* from first to last, both included */
    STORE_TEST_LABEL,       /* there is this label, and its value matches */
    STORE_TEST_LABEL_KEY    /* there is a label whose key matches */
};

/* In place of a test's number. */
#define STORE_FILTER_NO_MATCH UINT16_MAX
#define STORE_FILTER_MATCH (UINT16_MAX - 1)

struct store_test {
    enum store_test_kind kind;
    uint16_t next[2]; /* when it does not hold, when it does */
    uint32_t states;
    int64_t first_unix_ns;
    int64_t last_unix_ns;
    struct span key;
    struct store_pattern pattern;
};

struct store_filter {
    uint16_t count; /* at least 1 */
    struct store_test tests[LIMIT_FILTER_TERMS];
};

/* A lone wildcard. */
bool store_pattern_is_any(const struct store_pattern *pattern);
/* Matches all texts that begin with this one. */
bool store_pattern_matches_all_of(const struct store_pattern *pattern, struct span begin);
bool store_pattern_matches(const struct store_pattern *pattern, struct span text);

/* filter NULL: true. */
bool store_filter_matches(const struct store_filter *filter, const struct store_version *version);
bool store_filter_matches_keys(const struct store_filter *filter, const struct store_keys *keys);

C_DECLS_END

#endif /* STORAGE_STORE_FILTER_H_ */
