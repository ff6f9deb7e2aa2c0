/* posting: the rows of one key that several rows of a block have, and the key's text.
 *
 * Used by   postings.
 * Shape     rows in the order in which they were added, a removed one struck out; from POSTING_LIST_MAX on a row_set.
 *           A list that is full is replaced by a longer copy without the struck ones.
 * Owns      all of it.
 * Thread    as postings.
 * Errors    NULL or false: memory; nothing has changed then.
 */
#ifndef STORAGE_POSTING_H_
#define STORAGE_POSTING_H_

#include "storage/postings.h"

C_DECLS_BEGIN

#define POSTING_LIST_MAX 256u

MUST_USE struct posting *posting_create(const struct row_key *key);
void posting_destroy(struct posting *posting);

uint64_t posting_hash(const struct posting *posting);
bool posting_is_of(const struct posting *posting, const struct row_key *key);
/* next must be set before the posting is in a list, and is constant then. */
void posting_set_next(struct posting *posting, struct posting *next);
/* Puts the pair at the front of its label key's list. */
void posting_add_pair(struct posting *label_key, struct posting *pair);

/* The writer's. */
MUST_USE bool posting_add(struct posting *posting, uint32_t row, struct reclaim *reclaim);
/* False: the row was not there. */
bool posting_remove(struct posting *posting, uint32_t row);
uint32_t posting_row_count(const struct posting *posting);
uint64_t posting_memory_bytes(const struct posting *posting);

C_DECLS_END

#endif /* STORAGE_POSTING_H_ */
