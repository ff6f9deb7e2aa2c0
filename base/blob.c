#include "base/blob.h"

#include <stdatomic.h>
#include <stdlib.h>

struct blob {
    atomic_uint reference_count;
    size_t size;
    char bytes[];
};

struct blob *blob_create(size_t size)
{
    struct blob *blob;

    if (size > SIZE_MAX - sizeof *blob) {
        return NULL;
    }
    blob = malloc(sizeof *blob + size);
    if (blob) {
        atomic_init(&blob->reference_count, 1);
        blob->size = size;
    }
    return blob;
}

struct blob *blob_copy(struct span bytes)
{
    struct blob *blob = blob_create(bytes.size);

    if (blob && bytes.size > 0) {
        memcpy(blob->bytes, bytes.data, bytes.size);
    }
    return blob;
}

char *blob_bytes(struct blob *blob)
{
    return blob->bytes;
}

struct span blob_span(const struct blob *blob)
{
    return span_make(blob->bytes, blob->size);
}

struct blob *blob_ref(struct blob *blob)
{
    atomic_fetch_add_explicit(&blob->reference_count, 1, memory_order_relaxed);
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->reference_count, 1, memory_order_acq_rel) == 1) {
        free(blob);
    }
}
