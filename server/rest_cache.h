/* rest_cache: the JSON of rows that were asked for lately, so that who polls a job is not made the same text each time.
 *
 * Used by   rest_call.c.
 * Shape     a row is never changed in place, so its JSON is right as long as the row is the one that is asked for: a
 *           direct-mapped table by row, message type and style. What is displaced goes once it was sent.
 * Owns      texts, and a reference to each row it has one of, so that no other row can have that address.
 * Bound     REST_CACHE_SLOTS texts of REST_CACHE_TEXT_BYTES, and as many rows.
 * Thread    the HTTP thread's.
 * Errors    none: what cannot be kept is not.
 */
#ifndef SERVER_REST_CACHE_H_
#define SERVER_REST_CACHE_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define REST_CACHE_SLOTS 256
#define REST_CACHE_TEXT_BYTES (16 * 1024)

struct store_version;
struct upb_MessageDef;
struct rest_cache;
struct rest_cached;

/* NULL: no memory. */
struct rest_cache *rest_cache_create(void);
/* NULL is allowed. */
void rest_cache_destroy(struct rest_cache *cache);

/* A reference to the row's text, or NULL. */
struct rest_cached *rest_cache_find(const struct rest_cache *cache, const struct store_version *version,
                                    const struct upb_MessageDef *type, bool enums_as_numbers);
void rest_cache_put(struct rest_cache *cache, struct store_version *version, const struct upb_MessageDef *type,
                    bool enums_as_numbers, struct span text);

struct span rest_cached_text(const struct rest_cached *cached);
/* NULL is allowed. */
void rest_cached_unref(struct rest_cached *cached);

C_DECLS_END

#endif /* SERVER_REST_CACHE_H_ */
