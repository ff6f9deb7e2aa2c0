#include "storage/version.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A span as an offset into the value. */
struct part {
    uint32_t at;
    uint32_t size;
};

struct label_parts {
    struct part key;
    struct part value;
};

struct store_version {
    _Atomic uint32_t references;
    uint32_t value_size;
    uint64_t id;
    int64_t create_time_unix_ns;
    uint32_t state;
    uint32_t label_count;
    struct part name;
    struct part parent;
    struct part display_name;
    struct label_parts labels[]; /* label_count of them, then the value */
};

static char *value_of(const struct store_version *version)
{
    return (char *)(uintptr_t)(version->labels + version->label_count);
}

static struct span span_of_part(const struct store_version *version, struct part part)
{
    return part.size > 0 ? span_make(value_of(version) + part.at, part.size) : span_make(NULL, 0);
}

/* False: the span is not inside of the value. */
static bool part_of_span(struct span value, struct span key, struct part *ret_part)
{
    uintptr_t start = (uintptr_t)value.data;
    uintptr_t at = (uintptr_t)key.data;

    ret_part->at = 0;
    ret_part->size = 0;
    if (key.size == 0) {
        return true;
    }
    if (at < start || key.size > value.size || at - start > value.size - key.size) {
        return false;
    }
    ret_part->at = (uint32_t)(at - start);
    ret_part->size = (uint32_t)key.size;
    return true;
}

static bool set_keys(struct store_version *version, struct span value, const struct store_keys *keys)
{
    bool inside = part_of_span(value, keys->name, &version->name) &&
                  part_of_span(value, keys->parent, &version->parent) &&
                  part_of_span(value, keys->display_name, &version->display_name);

    for (uint32_t i = 0; inside && i < keys->label_count; i++) {
        inside = part_of_span(value, keys->labels[i].key, &version->labels[i].key) &&
                 part_of_span(value, keys->labels[i].value, &version->labels[i].value);
    }
    version->state = keys->state;
    version->create_time_unix_ns = keys->create_time_unix_ns;
    return inside;
}

int version_create(store_extract_fn extract, enum store_table table, uint64_t id, struct span value,
                   struct store_version **ret_version, struct err *err)
{
    struct store_keys keys;
    struct store_version *version;

    memset(&keys, 0, sizeof keys);
    if (extract(table, value, &keys, err) != 0) {
        return -1;
    }
    if (keys.label_count > LIMIT_LABELS_PER_JOB) {
        return err_set(err, ERR_INTERNAL, "the key extractor found %u labels", keys.label_count);
    }
    version = malloc(sizeof *version + keys.label_count * sizeof version->labels[0] + value.size);
    if (!version) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a value of %zu bytes", value.size);
    }
    atomic_init(&version->references, 1);
    version->value_size = (uint32_t)value.size;
    version->id = id;
    version->label_count = keys.label_count;
    if (!set_keys(version, value, &keys)) {
        free(version);
        return err_set(err, ERR_INTERNAL, "the key extractor gave a key that is not in the value");
    }
    if (value.size > 0) {
        memcpy(value_of(version), value.data, value.size);
    }
    *ret_version = version;
    return 0;
}

struct store_version *store_version_ref(struct store_version *version)
{
    atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    return version;
}

void store_version_unref(struct store_version *version)
{
    if (version && atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) == 1) {
        free(version);
    }
}

void version_release(void *version)
{
    store_version_unref(version);
}

void version_prefetch(const struct store_version *version)
{
    __builtin_prefetch(version);
    __builtin_prefetch((const char *)version + 64);
}

uint64_t store_version_id(const struct store_version *version)
{
    return version->id;
}

struct span store_version_value(const struct store_version *version)
{
    return span_make(value_of(version), version->value_size);
}

uint32_t store_version_state(const struct store_version *version)
{
    return version->state;
}

struct span version_name(const struct store_version *version)
{
    return span_of_part(version, version->name);
}

struct span version_parent(const struct store_version *version)
{
    return span_of_part(version, version->parent);
}

void store_version_keys(const struct store_version *version, struct store_keys *ret_keys)
{
    ret_keys->name = version_name(version);
    ret_keys->parent = version_parent(version);
    ret_keys->display_name = span_of_part(version, version->display_name);
    ret_keys->state = version->state;
    ret_keys->create_time_unix_ns = version->create_time_unix_ns;
    ret_keys->label_count = version->label_count;
    for (uint32_t i = 0; i < version->label_count; i++) {
        ret_keys->labels[i].key = span_of_part(version, version->labels[i].key);
        ret_keys->labels[i].value = span_of_part(version, version->labels[i].value);
    }
}
