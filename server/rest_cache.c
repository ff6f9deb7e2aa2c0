#include "server/rest_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "storage/store.h"

struct rest_cached {
    uint32_t references;
    bool enums_as_numbers;
    struct store_version *version;
    const struct upb_MessageDef *type;
    size_t size;
    char text[];
};

struct rest_cache {
    struct rest_cached *slots[REST_CACHE_SLOTS];
};

struct rest_cache *rest_cache_create(void)
{
    return calloc(1, sizeof(struct rest_cache));
}

void rest_cache_destroy(struct rest_cache *cache)
{
    for (size_t i = 0; cache && i < REST_CACHE_SLOTS; i++) {
        rest_cached_unref(cache->slots[i]);
    }
    free(cache);
}

/* Rows lie apart by more than their low bits tell. */
static size_t slot_of(const struct store_version *version, const struct upb_MessageDef *type, bool enums_as_numbers)
{
    uint64_t hash = ((uint64_t)(uintptr_t)version >> 4) * UINT64_C(0x9e3779b97f4a7c15);

    hash ^= ((uint64_t)(uintptr_t)type >> 4) * UINT64_C(0xff51afd7ed558ccd) + enums_as_numbers;
    return (size_t)(hash >> 40) % REST_CACHE_SLOTS;
}

struct rest_cached *rest_cache_find(const struct rest_cache *cache, const struct store_version *version,
                                    const struct upb_MessageDef *type, bool enums_as_numbers)
{
    struct rest_cached *found = cache->slots[slot_of(version, type, enums_as_numbers)];

    if (!found || found->version != version || found->type != type || found->enums_as_numbers != enums_as_numbers) {
        return NULL;
    }
    found->references++;
    return found;
}

void rest_cache_put(struct rest_cache *cache, struct store_version *version, const struct upb_MessageDef *type,
                    bool enums_as_numbers, struct span text)
{
    struct rest_cached **slot = &cache->slots[slot_of(version, type, enums_as_numbers)];
    struct rest_cached *made = text.size <= REST_CACHE_TEXT_BYTES ? malloc(sizeof *made + text.size) : NULL;

    if (!made) {
        return;
    }
    *made = (struct rest_cached){.references = 1,
                                 .enums_as_numbers = enums_as_numbers,
                                 .version = store_version_ref(version),
                                 .type = type,
                                 .size = text.size};
    memcpy(made->text, text.data, text.size);
    rest_cached_unref(*slot);
    *slot = made;
}

struct span rest_cached_text(const struct rest_cached *cached)
{
    return span_make(cached->text, cached->size);
}

void rest_cached_unref(struct rest_cached *cached)
{
    if (cached && --cached->references == 0) {
        store_version_unref(cached->version);
        free(cached);
    }
}
