#include "storage/block_select.h"

/* So often is a block tried anew while its keys change faster than the ring can tell; then all its rows are looked at. */
#define TRIES 2

/* into gets the rows of in that stand in a posting, of those from the first on, whose text matches. */
static void merge_matching(const struct posting *first, const struct store_test *test, const struct row_mask *in,
                           struct row_mask *into)
{
    for (const struct posting *posting = first; posting; posting = posting_next(posting)) {
        if (store_pattern_matches(&test->pattern, posting_text(posting))) {
            posting_merge_common(posting, in, into);
        }
    }
}

/* The same by values of pairs. */
static void merge_matching_pairs(const struct posting *first, const struct store_test *test, const struct row_mask *in,
                                 struct row_mask *into)
{
    for (const struct posting *posting = first; posting; posting = posting_next(posting)) {
        if (span_equal(posting_text(posting), test->key) &&
            store_pattern_matches(&test->pattern, posting_value(posting))) {
            posting_merge_common(posting, in, into);
        }
    }
}

/* Rows of postings whose text matches are sure; what grams leave is not, but may pass too. */
static void add_by_grams(const struct block_index *index, const struct planned_test *planned, const struct row_mask *in,
                         struct row_mask *holds, const struct row_mask *sure)
{
    if (planned->needed[0]) {
        return; /* what may pass is of no use to anybody */
    }
    *holds = *in;
    grams_keep(index->grams, &planned->grams, holds);
    row_mask_merge(holds, sure);
}

static void split_texts(const struct block_index *index, const struct planned_test *planned, enum row_key_kind kind,
                        const struct row_mask *in, struct row_mask *holds, struct row_mask *sure)
{
    row_mask_clear(sure);
    merge_matching(postings_first(index->postings, kind), planned->test, in, sure);
    add_by_grams(index, planned, in, holds, sure);
}

/* Names also by their stems: what all names of a stem pass needs no look at each. */
static void split_names(const struct block_index *index, const struct planned_test *planned, const struct row_mask *in,
                        struct row_mask *holds, struct row_mask *sure)
{
    const struct posting *stem = planned->needed[1] ? NULL : postings_first(index->postings, ROW_KEY_NAME_STEM);

    split_texts(index, planned, ROW_KEY_DISPLAY_NAME, in, holds, sure);
    for (; stem; stem = posting_next(stem)) {
        if (store_pattern_matches_all_of(&planned->test->pattern, posting_text(stem))) {
            posting_merge_common(stem, in, sure);
        }
    }
}

/* Exact when one posting has all rows of the key. */
static void split_key(const struct planned_test *planned, const struct row_mask *in, struct row_mask *holds,
                      struct row_mask *sure)
{
    bool is_exact = planned->hit.posting != NULL;

    row_mask_clear(holds);
    row_mask_clear(sure);
    if (planned->needed[0]) {
        if (is_exact) {
            postings_hit_merge_common(&planned->hit, in, sure);
        }
        return;
    }
    postings_hit_merge_common(&planned->hit, in, holds);
    if (is_exact) {
        *sure = *holds;
    }
}

static void split_states(const struct block_index *index, const struct planned_test *planned, const struct row_mask *in,
                         struct row_mask *holds, struct row_mask *sure)
{
    struct row_mask *first = planned->needed[0] ? sure : holds;

    row_mask_clear(first);
    row_columns_merge_states(index->columns, planned->test->states, in, first);
    if (first == holds) {
        *sure = *holds;
    }
}

/* Pairs that stand in a posting are told by it; others by grams, of the rows that have the label's key. */
static void split_label_text(const struct block_index *index, const struct planned_test *planned,
                             const struct row_mask *in, struct row_mask *holds, struct row_mask *sure)
{
    const struct posting *label_key = planned->hit.posting;
    struct row_mask left;

    row_mask_clear(holds);
    row_mask_clear(sure);
    merge_matching_pairs(label_key ? posting_pairs(label_key) : NULL, planned->test, in, sure);
    merge_matching_pairs(postings_first(index->postings, ROW_KEY_LABEL), planned->test, in, sure);
    if (planned->needed[0]) {
        return;
    }
    left = *in;
    grams_keep(index->grams, &planned->grams, &left);
    postings_hit_merge_common(&planned->hit, &left, holds);
    row_mask_merge(holds, sure);
}

/* What the block has of the test's key, text or time. False: no row of it passes. */
static bool look_up(const struct block_index *index, struct planned_test *planned)
{
    switch (planned->way) {
    case PLANNED_KEY:
    case PLANNED_LABEL_TEXT:
        return postings_find(index->postings, &planned->key, &planned->hit) &&
               (planned->way == PLANNED_KEY || grams_may_keep(index->grams, &planned->grams));
    case PLANNED_NAME_TEXT:
        return grams_may_keep(index->grams, &planned->grams);
    case PLANNED_TIME:
        return row_columns_may_have_times(index->columns, planned->test->first_unix_ns, planned->test->last_unix_ns);
    case PLANNED_STATE:
    case PLANNED_LABEL_KEY_TEXT:
        break;
    }
    return true;
}

/* holds: the rows of in that may pass the test; sure: those of them that do pass it. Where no row may pass, holds is
 * nothing to go by. */
static void split(const struct block_index *index, struct planned_test *planned, const struct row_mask *in,
                  struct row_mask *holds, struct row_mask *sure)
{
    const struct store_test *test = planned->test;

    if (!planned->needed[1] && (planned->way == PLANNED_KEY || planned->way == PLANNED_LABEL_TEXT)) {
        (void)look_up(index, planned); /* else may_match() has */
    }
    switch (planned->way) {
    case PLANNED_KEY:
        split_key(planned, in, holds, sure);
        break;
    case PLANNED_STATE:
        split_states(index, planned, in, holds, sure);
        break;
    case PLANNED_TIME:
        row_columns_split_times(index->columns, test->first_unix_ns, test->last_unix_ns, in, sure, holds);
        row_mask_merge(holds, sure);
        break;
    case PLANNED_NAME_TEXT:
        split_names(index, planned, in, holds, sure);
        break;
    case PLANNED_LABEL_TEXT:
        split_label_text(index, planned, in, holds, sure);
        break;
    case PLANNED_LABEL_KEY_TEXT:
        split_texts(index, planned, ROW_KEY_LABEL_KEY, in, holds, sure);
        break;
    }
}

static void narrow_to_parent(const struct block_index *index, struct filter_plan *plan, struct row_mask *rows)
{
    struct postings_hit hit;

    row_mask_clear(&plan->holds);
    if (postings_find(index->postings, &plan->parent, &hit)) {
        postings_hit_merge_common(&hit, rows, &plan->holds);
    }
    *rows = plan->holds;
}

/* Only what passes the tests that all matches pass. False: nothing is left. */
static bool narrow(const struct block_index *index, struct filter_plan *plan, struct row_mask *rows)
{
    for (uint32_t i = 0; i <= plan->first_count && rows->any != 0; i++) {
        struct planned_test *planned;

        if (plan->has_parent && i == plan->parent_after) {
            narrow_to_parent(index, plan, rows);
        }
        if (i == plan->first_count || rows->any == 0) {
            break;
        }
        planned = &plan->tests[plan->first[i]];
        split(index, planned, rows, &plan->holds, &plan->other);
        if (planned->needed[1]) {
            *rows = plan->holds;
        } else {
            row_mask_subtract(rows, &plan->other);
        }
    }
    return rows->any != 0;
}

static void send(struct filter_plan *plan, uint16_t where, const struct row_mask *rows)
{
    if (where == STORE_FILTER_MATCH) {
        row_mask_merge(&plan->answer, rows);
    } else if (where != STORE_FILTER_NO_MATCH) {
        row_mask_merge(&plan->masks[where], rows);
    }
}

static void run(const struct block_index *index, struct filter_plan *plan)
{
    for (uint32_t i = 1; i < plan->count; i++) {
        row_mask_clear(&plan->masks[i]);
    }
    row_mask_clear(&plan->answer);
    for (uint32_t i = 0; i < plan->count; i++) {
        struct planned_test *planned = &plan->tests[i];
        const uint16_t *next = planned->test->next;
        struct row_mask *rows = &plan->masks[i];

        if (rows->any == 0) {
            continue;
        }
        if (planned->needed[0] || planned->needed[1]) { /* narrow() has asked */
            send(plan, next[planned->needed[1]], rows);
            continue;
        }
        split(index, planned, rows, &plan->holds, &plan->other);
        send(plan, next[1], &plan->holds);
        row_mask_subtract(rows, &plan->other);
        send(plan, next[0], rows);
    }
}

static void answer(const struct block_index *index, struct filter_plan *plan, struct row_mask *rows)
{
    if (!narrow(index, plan, rows) || plan->count == 0 || plan->first_count == plan->count) {
        plan->answer = *rows;
        return;
    }
    plan->masks[0] = *rows;
    run(index, plan);
}

/* False: no row can match, which is known before any set of rows is looked at. */
static bool may_match(const struct block_index *index, struct filter_plan *plan)
{
    for (uint32_t i = 0; i < plan->first_count && plan->tests[plan->first[i]].needed[1]; i++) {
        if (!look_up(index, &plan->tests[plan->first[i]])) {
            return false;
        }
    }
    return true;
}

void block_select(const struct block_index *index, const struct row_set *live, struct filter_plan *plan)
{
    struct row_mask rows;

    for (int i = 0; i < TRIES; i++) {
        uint64_t changes = row_columns_changes(index->columns);

        if (may_match(index, plan)) {
            row_set_load(live, &rows);
            answer(index, plan, &rows);
        } else {
            row_mask_clear(&plan->answer);
        }
        if (row_columns_merge_changes(index->columns, changes, &plan->answer)) {
            return;
        }
    }
    row_set_load(live, &plan->answer);
}
