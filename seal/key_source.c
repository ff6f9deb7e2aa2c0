#include "seal/key_source.h"

#include <string.h>

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == ':';
}

const char *key_name_fault(struct span name)
{
    static const char *const collections[] = {"projects/", "/locations/", "/keyRings/", "/cryptoKeys/"};
    struct span rest = name;

    if (name.size >= KEY_NAME_BYTES) {
        return "must have at most 512 characters";
    }
    for (size_t i = 0; i < sizeof collections / sizeof collections[0]; i++) {
        size_t id_size = 0;

        if (!span_starts_with(rest, span_of(collections[i]))) {
            return "must have the form projects/P/locations/L/keyRings/R/cryptoKeys/K";
        }
        rest = span_skip(rest, strlen(collections[i]));
        while (id_size < rest.size && is_id_char(rest.data[id_size])) {
            id_size++;
        }
        if (id_size == 0) {
            return "must have the form projects/P/locations/L/keyRings/R/cryptoKeys/K";
        }
        rest = span_skip(rest, id_size);
    }
    return rest.size == 0 ? NULL : "must have the form projects/P/locations/L/keyRings/R/cryptoKeys/K";
}

int key_info_compare(const void *left, const void *right)
{
    return strcmp(((const struct key_info *)left)->name, ((const struct key_info *)right)->name);
}
