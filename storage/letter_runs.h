/* letter_runs: in which rows of a block runs of five letters occur, for filters with wildcards.
 *
 * Used by   grams.
 * Shape     of each run of a name, and each that begins or ends a label's value, by hash, a bit for each eighth of the
 *           block's rows in which it ever occurred. The text's two ends are letters too. A piece of a pattern that is as
 *           long as a run is in few eighths, however common its letters are.
 * Owns      its bits.
 * Thread    adding: the writer. Asking: any, in a reclaim section.
 */
#ifndef STORAGE_LETTER_RUNS_H_
#define STORAGE_LETTER_RUNS_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "storage/row_set.h"
#include "storage/store_filter.h"

C_DECLS_BEGIN

struct letter_runs;

/* NULL: memory. Given back with free. */
MUST_USE struct letter_runs *letter_runs_create(void);
uint64_t letter_runs_memory_bytes(void);

/* key_hash: of a label's key; NULL: the text is a name. */
void letter_runs_add(struct letter_runs *runs, uint32_t row, const uint64_t *key_hash, struct span text);

/* The runs a pattern asks for; more would seldom keep out more. */
#define LETTER_RUNS_ASKED_MAX 16

struct letter_runs_query {
    uint32_t count; /* 0: everything may match */
    uint16_t numbers[LETTER_RUNS_ASKED_MAX];
};

void letter_runs_ask(const uint64_t *key_hash, const struct store_pattern *pattern,
                     struct letter_runs_query *ret_query);

/* A bit for each eighth of the block's rows in which some may match. */
uint32_t letter_runs_find(const struct letter_runs *runs, const struct letter_runs_query *query);
/* Rows of other eighths go out of mask. */
void letter_runs_keep(uint32_t eighths, struct row_mask *mask);

C_DECLS_END

#endif /* STORAGE_LETTER_RUNS_H_ */
