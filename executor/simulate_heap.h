/* simulate_heap: simulated replicas by the time at which something of them is due, the next one first.
 *
 * Used by   executor_simulate.c.
 * Shape     a binary heap of entries that stand in the replicas themselves and know their place.
 * Owns      the array, not the entries.      Thread    one at a time.      Blocks    never.
 */
#ifndef EXECUTOR_SIMULATE_HEAP_H_
#define EXECUTOR_SIMULATE_HEAP_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct simulate_heap_entry {
    int64_t due_mono_ns;
    uint64_t order; /* the heap's, as is what follows: of the same time the one added first comes first */
    size_t index;
};

struct simulate_heap {
    struct simulate_heap_entry **entries;
    size_t count, capacity;
    uint64_t order;
};

void simulate_heap_deinit(struct simulate_heap *heap);
/* Room for so many, so that adding them cannot fail. */
MUST_USE int simulate_heap_reserve(struct simulate_heap *heap, size_t count, struct err *err);
void simulate_heap_add(struct simulate_heap *heap, struct simulate_heap_entry *entry);
/* The next one, or NULL; it stays. */
struct simulate_heap_entry *simulate_heap_first(const struct simulate_heap *heap);
/* Takes the next one out. */
struct simulate_heap_entry *simulate_heap_take(struct simulate_heap *heap);
/* Its time has become earlier. */
void simulate_heap_advance(struct simulate_heap *heap, struct simulate_heap_entry *entry);

C_DECLS_END

#endif /* EXECUTOR_SIMULATE_HEAP_H_ */
