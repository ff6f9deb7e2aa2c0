#include "storage/row_seal.h"

#include <stdlib.h>
#include <string.h>

#include "storage/wal_format.h"

int row_bytes_reserve(struct row_bytes *bytes, size_t size, struct err *err)
{
    size_t capacity = bytes->capacity ? bytes->capacity : 4096;
    char *data;

    if (size <= bytes->capacity) {
        return 0;
    }
    while (capacity < size) {
        capacity *= 2;
    }
    data = realloc(bytes->data, capacity);
    if (!data) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a sealed row of %zu bytes", size);
    }
    bytes->data = data;
    bytes->capacity = capacity;
    return 0;
}

void row_bytes_deinit(struct row_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct row_bytes){NULL, 0};
}

int row_seal_make_box(const struct data_key *data_key, const uint8_t *run, struct seal_box **ret_box, struct err *err)
{
    uint8_t *key;
    int result;

    if (seal_secret_alloc(&key, err) != 0) {
        return -1;
    }
    result =
        seal_derive(data_key->secret, span_make(run, SEAL_ID_BYTES), "customjobd rows 1", key, SEAL_KEY_BYTES, err);
    if (result == 0) {
        result = seal_box_create(key, ret_box, err);
    }
    seal_secret_free(key);
    return result;
}

struct span row_seal_bound(const struct wal_row *row, char *memory)
{
    const struct wal_seal *seal = &row->of.seal;

    memcpy(memory, "CJR1", 4);
    wal_put32(memory + 4, row->table);
    wal_put32(memory + 8, (uint32_t)seal->place);
    wal_put64(memory + 12, row->id);
    wal_put64(memory + 20, seal->lsn);
    wal_put32(memory + 28, (seal->nested ? 1u : 0) | (seal->whole ? 2u : 0));
    if (seal->outline.size > 0) {
        memcpy(memory + ROW_SEAL_BOUND_BYTES, seal->outline.data, seal->outline.size);
    }
    return span_make(memory, ROW_SEAL_BOUND_BYTES + seal->outline.size);
}
