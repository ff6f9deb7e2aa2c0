#include "storage/block_index.h"

#include <string.h>

#include "storage/row_keys.h"

bool block_index_create(struct block_index *index, uint64_t seed, uint32_t keys_expected)
{
    index->seed = seed;
    index->postings = postings_create(keys_expected);
    index->grams = grams_create();
    index->columns = row_columns_create();
    return index->postings && index->grams && index->columns;
}

void block_index_destroy(struct block_index *index)
{
    postings_destroy(index->postings);
    grams_destroy(index->grams);
    row_columns_destroy(index->columns);
}

static int add_grams(struct block_index *index, uint32_t row, const struct row_key *key, struct err *err)
{
    switch (key->kind) {
    case ROW_KEY_PARENT:
    case ROW_KEY_NAME_STEM:
        return 0;
    case ROW_KEY_DISPLAY_NAME:
        return grams_add_name(index->grams, row, key->text, err);
    case ROW_KEY_LABEL:
        return grams_add_label(index->grams, row, key->key_hash, key->value, err);
    case ROW_KEY_LABEL_KEY:
        return grams_add_rare_label_key(index->grams, row, err);
    }
    return 0;
}

static int add_keys(struct block_index *index, uint32_t row, const struct store_keys *keys,
                    const struct block_rows *rows, struct err *err)
{
    struct row_keys found;

    row_keys_make(index->seed, keys, &found);
    for (uint32_t i = 0; i < found.count; i++) {
        const struct row_key *key = &found.keys[i];
        bool has_posting = false;

        if (postings_add(index->postings, key, row, rows->holds, rows->context, rows->reclaim, &has_posting, err) !=
                0 ||
            (!has_posting && add_grams(index, row, key, err) != 0)) {
            return -1;
        }
    }
    row_columns_add_time(index->columns, row, keys->create_time_unix_ns);
    return 0;
}

static void remove_keys(struct block_index *index, uint32_t row, const struct store_keys *keys)
{
    struct row_keys found;

    row_keys_make(index->seed, keys, &found);
    for (uint32_t i = 0; i < found.count; i++) {
        postings_remove(index->postings, &found.keys[i], row);
    }
}

int block_index_add(struct block_index *index, uint32_t row, const struct store_keys *keys,
                    const struct block_rows *rows, struct err *err)
{
    if (add_keys(index, row, keys, rows, err) != 0) {
        return -1;
    }
    return row_columns_add_state(index->columns, row, keys->state, err);
}

void block_index_remove(struct block_index *index, uint32_t row, const struct store_keys *keys)
{
    row_columns_note_change(index->columns, row);
    remove_keys(index, row, keys);
    row_columns_remove_state(index->columns, row, keys->state);
}

int block_index_change(struct block_index *index, uint32_t row, const struct store_keys *from,
                       const struct store_keys *to, const struct block_rows *rows, struct err *err)
{
    bool same = row_keys_same(from, to);

    if (same && from->state == to->state && from->create_time_unix_ns == to->create_time_unix_ns) {
        return 0;
    }
    row_columns_note_change(index->columns, row);
    if (!same) {
        remove_keys(index, row, from);
        if (add_keys(index, row, to, rows, err) != 0) {
            return -1;
        }
    }
    row_columns_add_time(index->columns, row, to->create_time_unix_ns);
    if (from->state != to->state) {
        row_columns_remove_state(index->columns, row, from->state);
        return row_columns_add_state(index->columns, row, to->state, err);
    }
    return 0;
}

void block_index_memory(const struct block_index *index, struct block_index_memory *ret_memory)
{
    ret_memory->postings = postings_memory_bytes(index->postings);
    ret_memory->grams = grams_memory_bytes(index->grams);
    ret_memory->columns = row_columns_memory_bytes(index->columns);
}
