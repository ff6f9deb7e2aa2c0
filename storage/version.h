/* version: one full image of one row: its bytes, its keys as offsets into them, and a reference count.
 *
 * Used by   store, table, snapshot. The public half is in store.h (store_version_ref and so on).
 * Shape     one allocation: header, labels, value.
 * Owns      its bytes until the last unref.
 * Thread    any; written only before it is published.
 * Errors    what the extractor says; ERR_INTERNAL when its spans lie outside of the value; ERR_EXHAUSTED: memory.
 */
#ifndef STORAGE_VERSION_H_
#define STORAGE_VERSION_H_

#include "base/err.h"
#include "base/span.h"
#include "storage/store.h"

C_DECLS_BEGIN

/* A version with one reference. Copies value; the keys are found once, here. */
MUST_USE int version_create(store_extract_fn extract, enum store_table table, uint64_t id, struct span value,
                            struct store_version **ret_version, struct err *err);
/* store_version_unref, in the form in which reclaim calls it. */
void version_release(void *version);

/* Asks for its memory ahead of use. NULL is allowed. */
void version_prefetch(const struct store_version *version);

struct span version_name(const struct store_version *version);
struct span version_parent(const struct store_version *version);

C_DECLS_END

#endif /* STORAGE_VERSION_H_ */
