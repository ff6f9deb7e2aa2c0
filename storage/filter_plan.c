#include "storage/filter_plan.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(LIMIT_FILTER_TERMS <= 64, "a set of tests is a word");

static void plan_label(struct planned_test *planned, uint64_t seed)
{
    const struct store_test *test = planned->test;
    const struct span none = {NULL, 0};

    if (test->pattern.count == 1) {
        planned->way = PLANNED_KEY;
        planned->key = row_key_make(seed, ROW_KEY_LABEL, test->key, test->pattern.pieces[0]);
        return;
    }
    planned->way = store_pattern_is_any(&test->pattern) ? PLANNED_KEY : PLANNED_LABEL_TEXT;
    planned->key = row_key_make(seed, ROW_KEY_LABEL_KEY, test->key, none);
    grams_query_label(planned->key.hash, &test->pattern, &planned->grams);
}

/* A key or a name, whole or by its letters. */
static void plan_text(struct planned_test *planned, uint64_t seed, enum row_key_kind kind, enum planned_way by_text)
{
    const struct store_pattern *pattern = &planned->test->pattern;

    planned->way = pattern->count == 1 ? PLANNED_KEY : by_text;
    if (pattern->count == 1) {
        planned->key = row_key_make(seed, kind, pattern->pieces[0], span_make(NULL, 0));
    } else if (kind == ROW_KEY_DISPLAY_NAME) {
        grams_query_name(pattern, &planned->grams);
    } else {
        grams_query_rare_label_key(&planned->grams);
    }
}

static void plan_test(struct planned_test *planned, uint64_t seed)
{
    switch (planned->test->kind) {
    case STORE_TEST_STATE:
        planned->way = PLANNED_STATE;
        break;
    case STORE_TEST_CREATE_TIME:
        planned->way = PLANNED_TIME;
        break;
    case STORE_TEST_DISPLAY_NAME:
        plan_text(planned, seed, ROW_KEY_DISPLAY_NAME, PLANNED_NAME_TEXT);
        break;
    case STORE_TEST_LABEL:
        plan_label(planned, seed);
        break;
    case STORE_TEST_LABEL_KEY:
        plan_text(planned, seed, ROW_KEY_LABEL_KEY, PLANNED_LABEL_KEY_TEXT);
        break;
    }
}

/* What is known of all ways to a place in the program: the tests that did hold, and those that did not. */
struct known {
    bool reached;
    uint64_t outcomes[2];
};

static void reach(struct known *place, const struct known *from, unsigned test, unsigned outcome)
{
    struct known known = *from;

    known.outcomes[outcome] |= UINT64_C(1) << test;
    if (place->reached) {
        known.outcomes[0] &= place->outcomes[0];
        known.outcomes[1] &= place->outcomes[1];
    }
    known.reached = true;
    *place = known;
}

/* Jumps lead forward, so one pass sees every way. */
static struct known known_of_matches(const struct store_filter *filter)
{
    struct known places[LIMIT_FILTER_TERMS];
    struct known match;

    memset(places, 0, sizeof places);
    memset(&match, 0, sizeof match);
    places[0].reached = true;
    for (unsigned i = 0; i < filter->count; i++) {
        for (unsigned outcome = 0; places[i].reached && outcome < 2; outcome++) {
            uint16_t next = filter->tests[i].next[outcome];

            if (next == STORE_FILTER_MATCH) {
                reach(&match, &places[i], i, outcome);
            } else if (next != STORE_FILTER_NO_MATCH) {
                reach(&places[next], &places[i], i, outcome);
            }
        }
    }
    return match;
}

/* Those that hold before those that do not, and the kinds in the order of planned_way. */
static void order_needed(struct filter_plan *plan, const struct known *known)
{
    for (unsigned outcome = 2; outcome-- > 0;) {
        for (int way = PLANNED_TIME; way <= PLANNED_LABEL_KEY_TEXT; way++) {
            for (uint32_t i = 0; i < plan->count; i++) {
                if ((int)plan->tests[i].way == way && (known->outcomes[outcome] >> i & 1) != 0) {
                    plan->tests[i].needed[outcome] = true;
                    plan->first[plan->first_count++] = (uint16_t)i;
                    plan->parent_after += outcome == 1 && way <= PLANNED_STATE ? 1 : 0;
                }
            }
        }
    }
}

struct filter_plan *filter_plan_create(uint64_t seed, struct span parent, const struct store_filter *filter)
{
    uint32_t count = filter ? filter->count : 0;
    struct filter_plan *plan = malloc(sizeof *plan + count * (sizeof plan->tests[0] + sizeof plan->masks[0]));
    struct known known;

    if (!plan) {
        return NULL;
    }
    plan->has_parent = parent.size > 0;
    plan->parent = row_key_make(seed, ROW_KEY_PARENT, parent, span_make(NULL, 0));
    plan->count = count;
    plan->first_count = 0;
    plan->parent_after = 0;
    plan->masks = (struct row_mask *)(plan + 1);
    plan->tests = (struct planned_test *)(plan->masks + count);
    memset(plan->tests, 0, count * sizeof plan->tests[0]);
    for (uint32_t i = 0; i < count; i++) {
        plan->tests[i].test = &filter->tests[i];
        plan_test(&plan->tests[i], seed);
    }
    if (filter) {
        known = known_of_matches(filter);
        order_needed(plan, &known);
    }
    return plan;
}
