/* version: one full image of one row: its bytes, its keys as offsets into them, and a reference count.
 *
 * Used by   store, table, snapshot. The public half is in store.h (store_version_ref and so on).
 * Shape     one allocation: header, offsets of the keys, value.
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
/* Of a locked row: its outline for a value, and what to write in its place (row_opener.h). */
MUST_USE int version_create_locked(store_extract_fn extract, enum store_table table, uint64_t id, struct span outline,
                                   struct span carried, struct store_version **ret_version, struct err *err);
/* store_version_unref, in the form in which reclaim calls it. */
void version_release(void *version);

/* Its memory without the value. */
uint64_t version_header_bytes(const struct store_version *version);
/* Ask for its memory ahead of use: of the header, and then, once that is there, of what a filter reads. NULL is
 * allowed. */
void version_prefetch(const struct store_version *version);
void version_prefetch_keys(const struct store_version *version);

/* Keys one by one; spans point into the value. */
struct span version_name(const struct store_version *version);
struct span version_parent(const struct store_version *version);
struct span version_display_name(const struct store_version *version);
int64_t version_create_time_unix_ns(const struct store_version *version);
uint32_t version_label_count(const struct store_version *version);
struct store_label version_label(const struct store_version *version, uint32_t number);
/* Of the key that the value is to be sealed with; empty: none. */
struct span version_seal_key(const struct store_version *version);
/* Of a locked row; else empty. */
struct span version_carried(const struct store_version *version);

C_DECLS_END

#endif /* STORAGE_VERSION_H_ */
