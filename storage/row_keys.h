/* row_keys: by what a row can be found, each with its hash.
 *
 * Used by   the indexes of a block.
 * Shape     its parent, its display name, and of each label the pair and the key alone. Of several labels with one key
 *           only the first counts, as in a filter. And the stem of its name, what stands before the first digit: names
 *           are often numbered, and what a wildcard asks of the rest can be told of all of them by it.
 * Owns      nothing: spans point into the row's value.
 * Thread    any; pure.
 */
#ifndef STORAGE_ROW_KEYS_H_
#define STORAGE_ROW_KEYS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "storage/store.h"

C_DECLS_BEGIN

enum row_key_kind { ROW_KEY_PARENT, ROW_KEY_DISPLAY_NAME, ROW_KEY_LABEL, ROW_KEY_LABEL_KEY, ROW_KEY_NAME_STEM };
#define ROW_KEY_KINDS 5
#define ROW_KEYS_MAX (3 + 2 * LIMIT_LABELS_PER_JOB)

struct row_key {
    uint64_t hash;
    uint64_t key_hash; /* of ROW_KEY_LABEL: of its ROW_KEY_LABEL_KEY; else 0 */
    enum row_key_kind kind;
    struct span text;  /* parent, name, its stem, or the label's key */
    struct span value; /* of ROW_KEY_LABEL */
};

struct row_keys {
    uint32_t count;
    struct row_key keys[ROW_KEYS_MAX];
};

/* seed: random, so that nobody can choose texts that meet in one hash. */
struct row_key row_key_make(uint64_t seed, enum row_key_kind kind, struct span text, struct span value);
bool row_key_equal(const struct row_key *left, const struct row_key *right);
void row_keys_make(uint64_t seed, const struct store_keys *keys, struct row_keys *ret_keys);

/* The row has this key. */
bool row_keys_hold(const struct store_keys *keys, const struct row_key *key);
/* Both rows have the same keys, in the same order; their states and times may differ. */
bool row_keys_same(const struct store_keys *left, const struct store_keys *right);

C_DECLS_END

#endif /* STORAGE_ROW_KEYS_H_ */
