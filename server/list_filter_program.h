/* list_filter_program: a compiled filter: tests in order, each saying where to go on.
 *
 * Used by   list_filter*.c.
 * Shape     begin with test 0 and go to next[holds] until that is an answer. Jumps lead forward only, so that a walk
 *           ends after as many steps as there are tests. AND, OR, NOT and != are nothing but jumps.
 */
#ifndef SERVER_LIST_FILTER_PROGRAM_H_
#define SERVER_LIST_FILTER_PROGRAM_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "server/list_filter_pattern.h"

enum filter_test_kind {
    FILTER_TEST_DISPLAY_NAME,
    FILTER_TEST_STATE,       /* a bit per state; of operations: bit 0 not done, bit 1 done */
    FILTER_TEST_CREATE_TIME, /* from first to last, both included */
    FILTER_TEST_LABEL,       /* there is this label, and its value matches */
    FILTER_TEST_LABEL_KEY    /* there is a label whose key matches */
};

/* In place of a test's number. */
#define FILTER_NO_MATCH UINT16_MAX
#define FILTER_MATCH (UINT16_MAX - 1)

struct filter_test {
    enum filter_test_kind kind;
    uint16_t next[2]; /* when it does not hold, when it does */
    uint32_t states;
    int64_t first_unix_ns;
    int64_t last_unix_ns;
    struct span key;
    struct filter_pattern pattern;
};

struct list_filter {
    bool state_alone; /* no other key is asked for */
    uint16_t count;
    struct filter_test tests[LIMIT_FILTER_TERMS];
};

#endif /* SERVER_LIST_FILTER_PROGRAM_H_ */
