#include "storage/row_keys.h"

#include <string.h>

#define MULTIPLIER UINT64_C(0x9fb21c651e98df25)
#define OTHER_MULTIPLIER UINT64_C(0xd6e8feb86659fd93)

__extension__ typedef unsigned __int128 wide;

/* Both halves of the product, so that high bits of the input reach low bits of the hash and the other way round. */
static uint64_t fold(uint64_t left, uint64_t right)
{
    wide product = (wide)left * right;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *data, size_t size)
{
    uint64_t word = 0;

    memcpy(&word, data, size);
    return word;
}

static uint64_t hash_text(uint64_t hash, struct span text)
{
    hash = fold(hash ^ text.size, MULTIPLIER);
    for (; text.size > 8; text = span_skip(text, 8)) {
        hash = fold(hash ^ load(text.data, 8), MULTIPLIER);
    }
    if (text.size > 0) {
        hash = fold(hash ^ load(text.data, text.size), OTHER_MULTIPLIER);
    }
    return hash;
}

static uint64_t hash_of(uint64_t seed, enum row_key_kind kind, struct span text)
{
    return hash_text(seed + (uint64_t)kind * OTHER_MULTIPLIER, text);
}

static uint64_t hash_pair(uint64_t key_hash, struct span value)
{
    return hash_text(key_hash ^ OTHER_MULTIPLIER, value);
}

struct row_key row_key_make(uint64_t seed, enum row_key_kind kind, struct span text, struct span value)
{
    struct row_key key = {0, 0, kind, text, value};

    if (kind == ROW_KEY_LABEL) {
        key.key_hash = hash_of(seed, ROW_KEY_LABEL_KEY, text);
        key.hash = hash_pair(key.key_hash, value);
    } else {
        key.hash = hash_of(seed, kind, text);
    }
    return key;
}

bool row_key_equal(const struct row_key *left, const struct row_key *right)
{
    return left->hash == right->hash && left->kind == right->kind && span_equal(left->text, right->text) &&
           span_equal(left->value, right->value);
}

/* Labels come in twos, from keys->keys[2] on: the key, then the pair. */
static bool is_repeated(const struct row_keys *keys, const struct row_key *label_key)
{
    for (uint32_t i = 2; i < keys->count; i += 2) {
        if (row_key_equal(&keys->keys[i], label_key)) {
            return true;
        }
    }
    return false;
}

/* Empty: the text begins with a digit, or has none and is looked for as a whole. */
static struct span stem_of(struct span text)
{
    size_t size = 0;

    while (size < text.size && (text.data[size] < '0' || text.data[size] > '9')) {
        size++;
    }
    return span_make(text.data, size < text.size ? size : 0);
}

void row_keys_make(uint64_t seed, const struct store_keys *keys, struct row_keys *ret_keys)
{
    const struct span none = {NULL, 0};
    const struct span stem = stem_of(keys->display_name);

    ret_keys->keys[0] = row_key_make(seed, ROW_KEY_PARENT, keys->parent, none);
    ret_keys->keys[1] = row_key_make(seed, ROW_KEY_DISPLAY_NAME, keys->display_name, none);
    ret_keys->count = 2;
    for (uint32_t i = 0; i < keys->label_count; i++) {
        const struct store_label *label = &keys->labels[i];
        struct row_key key = row_key_make(seed, ROW_KEY_LABEL_KEY, label->key, none);

        if (!is_repeated(ret_keys, &key)) {
            struct row_key pair = {hash_pair(key.hash, label->value), key.hash, ROW_KEY_LABEL, label->key,
                                   label->value};

            ret_keys->keys[ret_keys->count++] = key;
            ret_keys->keys[ret_keys->count++] = pair;
        }
    }
    if (stem.size > 0) {
        ret_keys->keys[ret_keys->count++] = row_key_make(seed, ROW_KEY_NAME_STEM, stem, none);
    }
}

static bool hold_label(const struct store_keys *keys, const struct row_key *key)
{
    for (uint32_t i = 0; i < keys->label_count; i++) {
        if (span_equal(keys->labels[i].key, key->text)) {
            return key->kind == ROW_KEY_LABEL_KEY || span_equal(keys->labels[i].value, key->value);
        }
    }
    return false;
}

bool row_keys_hold(const struct store_keys *keys, const struct row_key *key)
{
    switch (key->kind) {
    case ROW_KEY_PARENT:
        return span_equal(keys->parent, key->text);
    case ROW_KEY_DISPLAY_NAME:
        return span_equal(keys->display_name, key->text);
    case ROW_KEY_LABEL:
    case ROW_KEY_LABEL_KEY:
        return hold_label(keys, key);
    case ROW_KEY_NAME_STEM:
        return span_equal(stem_of(keys->display_name), key->text);
    }
    return false;
}

bool row_keys_same(const struct store_keys *left, const struct store_keys *right)
{
    if (left->label_count != right->label_count || !span_equal(left->parent, right->parent) ||
        !span_equal(left->display_name, right->display_name)) {
        return false;
    }
    for (uint32_t i = 0; i < left->label_count; i++) {
        if (!span_equal(left->labels[i].key, right->labels[i].key) ||
            !span_equal(left->labels[i].value, right->labels[i].value)) {
            return false;
        }
    }
    return true;
}
