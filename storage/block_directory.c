#include "storage/block_directory.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ENTRIES_MIN 8u

struct entry {
    _Atomic uint64_t first_id;
    _Atomic(struct block *) block;
};

struct block_directory {
    _Atomic uint32_t count;
    uint32_t capacity;
    struct entry entries[];
};

static struct block_directory *create(uint32_t capacity)
{
    struct block_directory *directory = calloc(1, sizeof *directory + capacity * sizeof directory->entries[0]);

    if (directory) {
        directory->capacity = capacity;
    }
    return directory;
}

struct block_directory *block_directory_create(void)
{
    return create(ENTRIES_MIN);
}

static void set_entry(struct block_directory *directory, uint32_t index, uint64_t first_id, struct block *block)
{
    atomic_store_explicit(&directory->entries[index].first_id, first_id, memory_order_release);
    atomic_store_explicit(&directory->entries[index].block, block, memory_order_release);
}

struct block_directory *block_directory_replace(const struct block_directory *old, uint32_t index, uint32_t old_count,
                                                struct block *const *blocks, uint32_t count)
{
    uint32_t after = block_directory_count(old) - old_count + count;
    uint32_t capacity = ENTRIES_MIN;
    struct block_directory *directory;

    while (capacity < after + after / 2 + 1) {
        capacity *= 2;
    }
    directory = create(capacity);
    if (!directory) {
        return NULL;
    }
    for (uint32_t i = 0; i < after; i++) {
        if (i >= index && i < index + count) {
            set_entry(directory, i, block_id_at(blocks[i - index], 0), blocks[i - index]);
        } else {
            uint32_t from = i < index ? i : i - count + old_count;

            set_entry(directory, i, block_directory_first_id(old, from), block_directory_block(old, from));
        }
    }
    atomic_init(&directory->count, after);
    return directory;
}

bool block_directory_append(struct block_directory *directory, struct block *block)
{
    uint32_t count = block_directory_count(directory);

    if (count == directory->capacity) {
        return false;
    }
    set_entry(directory, count, block_id_at(block, 0), block);
    atomic_store_explicit(&directory->count, count + 1, memory_order_release);
    return true;
}

void block_directory_lower(struct block_directory *directory, uint32_t index, uint64_t first_id)
{
    atomic_store_explicit(&directory->entries[index].first_id, first_id, memory_order_release);
}

uint32_t block_directory_count(const struct block_directory *directory)
{
    return atomic_load_explicit(&directory->count, memory_order_acquire);
}

struct block *block_directory_block(const struct block_directory *directory, uint32_t index)
{
    return atomic_load_explicit(&directory->entries[index].block, memory_order_acquire);
}

uint64_t block_directory_first_id(const struct block_directory *directory, uint32_t index)
{
    return atomic_load_explicit(&directory->entries[index].first_id, memory_order_acquire);
}

uint32_t block_directory_up_to(const struct block_directory *directory, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = block_directory_count(directory);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (block_directory_first_id(directory, middle) <= id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t block_directory_memory_bytes(const struct block_directory *directory)
{
    return sizeof *directory + directory->capacity * (uint64_t)sizeof directory->entries[0];
}
