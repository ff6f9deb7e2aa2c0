#include "storage/version.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The keys of a row as offsets and sizes in its value, two numbers each: name, parent, display name, and of each label
 * key and value. Of 16 bits when the value has fewer than 64 KiB, as almost every one has. */
enum { PART_NAME, PART_PARENT, PART_DISPLAY_NAME, PART_LABELS };
#define NARROW_BYTES_MAX UINT16_MAX
#define CACHE_LINE 64

/* Behind the value of a version that has a key; most have none, and no room for it. What is carried follows. */
struct sealing_part {
    uint32_t key_at;
    uint32_t key_size;
    uint32_t carried_size;
};

struct store_version {
    _Atomic uint32_t references;
    uint32_t value_size;
    uint64_t id;
    int64_t create_time_unix_ns;
    uint32_t state;
    uint16_t label_count;
    uint8_t is_wide : 1;
    uint8_t has_sealing_part : 1;
    uint8_t is_locked : 1;
    /* A byte for nothing, then the parts, then the value. */
};

/* Where the parts begin. */
static char *parts_of(const struct store_version *version)
{
    return (char *)(uintptr_t)(version + 1);
}

static size_t parts_bytes(uint32_t label_count, bool is_wide)
{
    return (PART_LABELS + 2 * label_count) * (is_wide ? 2 * sizeof(uint32_t) : 2 * sizeof(uint16_t));
}

static char *value_of(const struct store_version *version)
{
    return parts_of(version) + parts_bytes(version->label_count, version->is_wide);
}

static struct span part_of(const struct store_version *version, uint32_t number)
{
    size_t at;
    size_t size;

    if (version->is_wide) {
        const uint32_t *part = (const uint32_t *)(const void *)parts_of(version) + 2 * number;

        at = part[0];
        size = part[1];
    } else {
        const uint16_t *part = (const uint16_t *)(const void *)parts_of(version) + 2 * number;

        at = part[0];
        size = part[1];
    }
    return size > 0 ? span_make(value_of(version) + at, size) : span_make(NULL, 0);
}

/* False: the key is not inside of the value. */
static bool set_part(struct store_version *version, uint32_t number, struct span value, struct span key)
{
    uintptr_t start = (uintptr_t)value.data;
    uintptr_t key_start = (uintptr_t)key.data;
    size_t at = key.size > 0 ? key_start - start : 0;

    if (key.size > 0 && (key_start < start || key.size > value.size || at > value.size - key.size)) {
        return false;
    }
    if (version->is_wide) {
        uint32_t *part = (uint32_t *)(void *)parts_of(version) + 2 * number;

        part[0] = (uint32_t)at;
        part[1] = (uint32_t)key.size;
    } else {
        uint16_t *part = (uint16_t *)(void *)parts_of(version) + 2 * number;

        part[0] = (uint16_t)at;
        part[1] = (uint16_t)key.size;
    }
    return true;
}

static bool set_keys(struct store_version *version, struct span value, const struct store_keys *keys)
{
    bool inside = set_part(version, PART_NAME, value, keys->name) &&
                  set_part(version, PART_PARENT, value, keys->parent) &&
                  set_part(version, PART_DISPLAY_NAME, value, keys->display_name);

    for (uint32_t i = 0; inside && i < keys->label_count; i++) {
        inside = set_part(version, PART_LABELS + 2 * i, value, keys->labels[i].key) &&
                 set_part(version, PART_LABELS + 2 * i + 1, value, keys->labels[i].value);
    }
    version->state = keys->state;
    version->create_time_unix_ns = keys->create_time_unix_ns;
    return inside;
}

/* False: the key is not in the value. */
static bool set_sealing_part(struct store_version *version, struct span value, struct span key, struct span carried)
{
    struct sealing_part part = {.key_size = (uint32_t)key.size, .carried_size = (uint32_t)carried.size};
    char *behind = value_of(version) + value.size;
    size_t at = key.size > 0 ? (uintptr_t)key.data - (uintptr_t)value.data : 0;

    if (!version->has_sealing_part) {
        return true;
    }
    if (key.size > 0 && (at > value.size || key.size > value.size - at)) {
        return false;
    }
    part.key_at = (uint32_t)at;
    memcpy(behind, &part, sizeof part);
    if (carried.size > 0) {
        memcpy(behind + sizeof part, carried.data, carried.size);
    }
    return true;
}

/* The keys of a locked row are those of its outline; a table whose rows have none has an empty one. */
static int extract_keys(store_extract_fn extract, enum store_table table, struct span value, struct span carried,
                        struct store_keys *keys, struct err *err)
{
    memset(keys, 0, offsetof(struct store_keys, labels));
    if ((carried.size == 0 || value.size > 0) && extract(table, value, keys, err) != 0) {
        return -1;
    }
    return keys->label_count <= LIMIT_LABELS_PER_JOB
               ? 0
               : err_set(err, ERR_INTERNAL, "the key extractor found %u labels", keys->label_count);
}

int version_create_locked(store_extract_fn extract, enum store_table table, uint64_t id, struct span value,
                          struct span carried, struct store_version **ret_version, struct err *err)
{
    bool is_wide = value.size > NARROW_BYTES_MAX;
    struct store_keys keys;
    struct store_version *version;
    bool has_part;
    size_t size;

    if (extract_keys(extract, table, value, carried, &keys, err) != 0) {
        return -1;
    }
    has_part = keys.seal_key.size > 0 || carried.size > 0;
    size = value.size + (has_part ? sizeof(struct sealing_part) + carried.size : 0);
    version = malloc(sizeof *version + parts_bytes(keys.label_count, is_wide) + size);
    if (!version) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a value of %zu bytes", size);
    }
    atomic_init(&version->references, 1);
    version->value_size = (uint32_t)value.size;
    version->id = id;
    version->label_count = (uint16_t)keys.label_count;
    version->is_wide = is_wide;
    version->has_sealing_part = has_part;
    version->is_locked = carried.size > 0;
    if (!set_keys(version, value, &keys) || !set_sealing_part(version, value, keys.seal_key, carried)) {
        free(version);
        return err_set(err, ERR_INTERNAL, "the key extractor gave a key that is not in the value");
    }
    if (value.size > 0) {
        memcpy(value_of(version), value.data, value.size);
    }
    *ret_version = version;
    return 0;
}

int version_create(store_extract_fn extract, enum store_table table, uint64_t id, struct span value,
                   struct store_version **ret_version, struct err *err)
{
    return version_create_locked(extract, table, id, value, span_make(NULL, 0), ret_version, err);
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

uint64_t version_header_bytes(const struct store_version *version)
{
    return (uint64_t)(value_of(version) - (const char *)version);
}

void version_prefetch(const struct store_version *version)
{
    __builtin_prefetch(version);
    __builtin_prefetch((const char *)version + CACHE_LINE);
}

/* Name, parent and display name stand together, and so do the labels. */
void version_prefetch_keys(const struct store_version *version)
{
    if (version) {
        __builtin_prefetch(part_of(version, PART_NAME).data);
        __builtin_prefetch(part_of(version, PART_DISPLAY_NAME).data);
        if (version->label_count > 0) {
            __builtin_prefetch(part_of(version, PART_LABELS).data);
            __builtin_prefetch(part_of(version, PART_LABELS + 2u * version->label_count - 1).data);
        }
    }
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

int64_t version_create_time_unix_ns(const struct store_version *version)
{
    return version->create_time_unix_ns;
}

static struct sealing_part sealing_part_of(const struct store_version *version)
{
    struct sealing_part part = {.carried_size = 0};

    if (version->has_sealing_part) {
        memcpy(&part, value_of(version) + version->value_size, sizeof part);
    }
    return part;
}

struct span version_seal_key(const struct store_version *version)
{
    struct sealing_part part = sealing_part_of(version);

    return part.key_size > 0 ? span_make(value_of(version) + part.key_at, part.key_size) : span_make(NULL, 0);
}

struct span version_carried(const struct store_version *version)
{
    const char *behind = value_of(version) + version->value_size + sizeof(struct sealing_part);

    return version->is_locked ? span_make(behind, sealing_part_of(version).carried_size) : span_make(NULL, 0);
}

bool store_version_is_locked(const struct store_version *version)
{
    return version->is_locked;
}

struct span version_name(const struct store_version *version)
{
    return part_of(version, PART_NAME);
}

struct span version_parent(const struct store_version *version)
{
    return part_of(version, PART_PARENT);
}

struct span version_display_name(const struct store_version *version)
{
    return part_of(version, PART_DISPLAY_NAME);
}

uint32_t version_label_count(const struct store_version *version)
{
    return version->label_count;
}

struct store_label version_label(const struct store_version *version, uint32_t number)
{
    struct store_label label = {part_of(version, PART_LABELS + 2 * number),
                                part_of(version, PART_LABELS + 2 * number + 1)};

    return label;
}

void store_version_keys(const struct store_version *version, struct store_keys *ret_keys)
{
    ret_keys->name = version_name(version);
    ret_keys->parent = version_parent(version);
    ret_keys->display_name = version_display_name(version);
    ret_keys->state = version->state;
    ret_keys->create_time_unix_ns = version->create_time_unix_ns;
    ret_keys->seal_key = version_seal_key(version);
    ret_keys->label_count = version->label_count;
    for (uint32_t i = 0; i < version->label_count; i++) {
        ret_keys->labels[i] = version_label(version, i);
    }
}
