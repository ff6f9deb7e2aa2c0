/* grams: which letters and pairs of letters the texts of a block's rows have, for filters with wildcards.
 *
 * Used by   block_index.
 * Shape     slots, each a row_set made when it is first needed: of names one for each byte and 512 for pairs of
 *           neighbours, by hash; of label values 128 for pairs, by a hash in which the label's key has a part. The text's
 *           two ends are neighbours too. A pattern asks for the slots of its pieces: what is in all of them may match,
 *           nothing else does. Rows of a text that has a posting need no slots, the posting has the text itself; but the
 *           rows that had it before, one at least, are here, so that no text of the block is unknown.
 *           Beside them a bit, by a longer hash, for each pair that occurs in the block at all, and letter_runs.
 *           Rows are only added: a removed row's are harmless, they go with the block.
 * Owns      its sets.
 * Thread    adding: the writer. Keeping: any, in a reclaim section.
 * Errors    ERR_EXHAUSTED: memory; the row may then have a part of its slots.
 */
#ifndef STORAGE_GRAMS_H_
#define STORAGE_GRAMS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "storage/letter_runs.h"
#include "storage/row_set.h"
#include "storage/store_filter.h"

C_DECLS_BEGIN

struct grams;

/* NULL: memory. */
MUST_USE struct grams *grams_create(void);
/* NULL is allowed. */
void grams_destroy(struct grams *grams);

MUST_USE int grams_add_name(struct grams *grams, uint32_t row, struct span name, struct err *err);
/* key_hash: of the label's key alone. */
MUST_USE int grams_add_label(struct grams *grams, uint32_t row, uint64_t key_hash, struct span value, struct err *err);
/* The row has a label key that stands in no posting. */
MUST_USE int grams_add_rare_label_key(struct grams *grams, uint32_t row, struct err *err);

/* The slots a pattern asks for; more would seldom keep out more. */
#define GRAMS_ASKED_MAX 24

struct grams_query {
    uint32_t count;      /* with the other counts 0: everything may match */
    uint32_t seen_count; /* pairs without which a whole block is passed over */
    uint16_t slots[GRAMS_ASKED_MAX];
    uint16_t seen[GRAMS_ASKED_MAX];
    struct letter_runs_query runs; /* runs without which an eighth of it is */
};

void grams_query_name(const struct store_pattern *pattern, struct grams_query *ret_query);
void grams_query_label(uint64_t key_hash, const struct store_pattern *pattern, struct grams_query *ret_query);
void grams_query_rare_label_key(struct grams_query *ret_query);

/* False: no row can match. */
bool grams_may_keep(const struct grams *grams, const struct grams_query *query);
/* Rows that cannot match go out of mask. */
void grams_keep(const struct grams *grams, const struct grams_query *query, struct row_mask *mask);

uint64_t grams_memory_bytes(const struct grams *grams);

C_DECLS_END

#endif /* STORAGE_GRAMS_H_ */
