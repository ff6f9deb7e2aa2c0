#include "executor/simulate_heap.h"

#include <stdbool.h>
#include <stdlib.h>

void simulate_heap_deinit(struct simulate_heap *heap)
{
    free(heap->entries);
    *heap = (struct simulate_heap){0};
}

int simulate_heap_reserve(struct simulate_heap *heap, size_t count, struct err *err)
{
    size_t capacity = heap->capacity ? heap->capacity : 64;
    struct simulate_heap_entry **entries;

    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity == heap->capacity) {
        return 0;
    }
    entries = realloc(heap->entries, capacity * sizeof(*entries));
    if (!entries) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu simulated replicas", count);
    }
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

static void put(struct simulate_heap *heap, size_t index, struct simulate_heap_entry *entry)
{
    heap->entries[index] = entry;
    entry->index = index;
}

static bool is_before(const struct simulate_heap_entry *left, const struct simulate_heap_entry *right)
{
    return left->due_mono_ns < right->due_mono_ns ||
           (left->due_mono_ns == right->due_mono_ns && left->order < right->order);
}

void simulate_heap_advance(struct simulate_heap *heap, struct simulate_heap_entry *entry)
{
    size_t index = entry->index;

    while (index > 0 && is_before(entry, heap->entries[(index - 1) / 2])) {
        put(heap, index, heap->entries[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(heap, index, entry);
}

static void sink(struct simulate_heap *heap, struct simulate_heap_entry *entry)
{
    size_t index = 0;

    for (size_t child = 1; child < heap->count; child = 2 * index + 1) {
        if (child + 1 < heap->count && is_before(heap->entries[child + 1], heap->entries[child])) {
            child++;
        }
        if (!is_before(heap->entries[child], entry)) {
            break;
        }
        put(heap, index, heap->entries[child]);
        index = child;
    }
    put(heap, index, entry);
}

void simulate_heap_add(struct simulate_heap *heap, struct simulate_heap_entry *entry)
{
    entry->order = heap->order++;
    put(heap, heap->count++, entry);
    simulate_heap_advance(heap, entry);
}

struct simulate_heap_entry *simulate_heap_first(const struct simulate_heap *heap)
{
    return heap->count > 0 ? heap->entries[0] : NULL;
}

struct simulate_heap_entry *simulate_heap_take(struct simulate_heap *heap)
{
    struct simulate_heap_entry *first = heap->entries[0];

    heap->count--;
    if (heap->count > 0) {
        sink(heap, heap->entries[heap->count]);
    }
    return first;
}
