/* id_hash: id → version, for one writer and readers that never wait.
 *
 * Used by   table.
 * Shape     1024 shards by the top bits of the mixed id; each an open-addressing array of words, published whole and
 *           replaced when it must grow or shrink, so that no growth stops the writer for longer than a 1024th of the
 *           table takes. A word is a version's pointer with the next 16 bits of the mixed id, by which it finds its
 *           place in a larger array, and by which a probe passes over others, without a look at the version. A cell
 *           changes only between empty, version and removed; nothing moves in place.
 * Owns      its arrays; no reference of a version.
 * Thread    find: in a reclaim section. The rest: the writer.
 * Errors    ERR_EXHAUSTED: memory; nothing has changed then.
 */
#ifndef STORAGE_ID_HASH_H_
#define STORAGE_ID_HASH_H_

#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct id_hash;
struct reclaim;
struct store_version;

/* NULL: memory. */
MUST_USE struct id_hash *id_hash_create(void);
void id_hash_destroy(struct id_hash *hash);

/* The version, borrowed until the section is left; NULL: none. */
struct store_version *id_hash_find(const struct id_hash *hash, uint64_t id);
/* Asks for the memory of the id's cell ahead of use. The writer's. */
void id_hash_prefetch(const struct id_hash *hash, uint64_t id);
/* Puts or replaces. */
MUST_USE int id_hash_put(struct id_hash *hash, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                         struct err *err);
void id_hash_remove(struct id_hash *hash, uint64_t id, struct reclaim *reclaim);
/* The writer's. */
uint64_t id_hash_memory_bytes(const struct id_hash *hash);

C_DECLS_END

#endif /* STORAGE_ID_HASH_H_ */
