/* filter_plan: a filter made ready to be answered from the indexes.
 *
 * Used by   store_list, block_select.
 * Shape     hashes and slots of the filter's texts, reckoned once for all blocks; and which tests decide every way
 *           through the program alike: whatever matches has passed them, so they come first, the most selective kinds
 *           before the others. Also the room to reckon in.
 * Owns      its memory; borrows the filter.
 * Thread    one.
 */
#ifndef STORAGE_FILTER_PLAN_H_
#define STORAGE_FILTER_PLAN_H_

#include <stdbool.h>
#include <stdint.h>

#include "storage/grams.h"
#include "storage/postings.h"
#include "storage/row_keys.h"
#include "storage/row_set.h"
#include "storage/store_filter.h"

C_DECLS_BEGIN

/* In the order in which they are asked: what costs least and keeps out most comes first. */
enum planned_way {
    PLANNED_TIME,
    PLANNED_KEY, /* rows of one key */
    PLANNED_STATE,
    PLANNED_NAME_TEXT,  /* postings whose text matches, grams for the rest */
    PLANNED_LABEL_TEXT, /* likewise, of the rows that have the label's key */
    PLANNED_LABEL_KEY_TEXT
};

struct planned_test {
    enum planned_way way;
    bool needed[2]; /* all that matches has this outcome */
    const struct store_test *test;
    struct row_key key;      /* of PLANNED_KEY and PLANNED_LABEL_TEXT */
    struct postings_hit hit; /* of the key, in the block that is looked at, once it was looked up */
    struct grams_query grams;
};

struct filter_plan {
    struct row_key parent;
    uint32_t parent_after; /* how many of the needed tests are asked before the parent is */
    bool has_parent;
    uint32_t count;
    uint32_t first_count;
    uint16_t first[LIMIT_FILTER_TERMS]; /* the needed tests, in the order in which to ask */
    struct row_mask answer;
    struct row_mask holds;
    struct row_mask other;
    struct planned_test *tests;
    struct row_mask *masks; /* of each test: the rows that reach it */
};

/* parent empty, filter NULL: any. NULL: memory. Given back with free. */
MUST_USE struct filter_plan *filter_plan_create(uint64_t seed, struct span parent, const struct store_filter *filter);

C_DECLS_END

#endif /* STORAGE_FILTER_PLAN_H_ */
