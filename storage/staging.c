#include "storage/staging.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MIN 64u
/* An exceptional turn's memory is not kept. */
#define ROWS_KEPT 65536u
#define NO_ROW UINT32_MAX

int staging_reserve(struct staging *staging, struct err *err)
{
    size_t capacity = staging->capacity > 0 ? staging->capacity * 2 : ROWS_MIN;
    struct staged_row *rows;
    uint32_t *index;

    if (staging->count < staging->capacity) {
        return 0;
    }
    index = malloc(2 * capacity * sizeof *index);
    rows = index && capacity < NO_ROW ? realloc(staging->rows, capacity * sizeof *rows) : NULL;
    if (!rows) {
        free(index);
        return err_set(err, ERR_EXHAUSTED, "no memory to stage %zu rows", staging->count + 1);
    }
    free(staging->index);
    staging->index = index;
    staging->rows = rows;
    staging->capacity = capacity;
    return 0;
}

void staging_add(struct staging *staging, uint32_t table, uint64_t id, struct store_version *version)
{
    struct staged_row *row = &staging->rows[staging->count++];

    row->table = table;
    row->superseded = false;
    row->id = id;
    row->version = version;
}

/* True when the row was not yet in the index; puts it there. */
static bool index_add(struct staging *staging, size_t mask, uint32_t number)
{
    const struct staged_row *row = &staging->rows[number];
    uint64_t hash = (row->id ^ (uint64_t)row->table << 60) * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = (size_t)(hash >> 32) & mask;; i = (i + 1) & mask) {
        const struct staged_row *other;

        if (staging->index[i] == NO_ROW) {
            staging->index[i] = number;
            return true;
        }
        other = &staging->rows[staging->index[i]];
        if (other->id == row->id && other->table == row->table) {
            return false;
        }
    }
}

void staging_settle(struct staging *staging)
{
    size_t cells = 2;

    if (staging->count < 2) {
        return;
    }
    while (cells < 2 * staging->count) {
        cells *= 2;
    }
    memset(staging->index, 0xff, cells * sizeof *staging->index);
    for (size_t i = staging->count; i > 0; i--) {
        staging->rows[i - 1].superseded = !index_add(staging, cells - 1, (uint32_t)(i - 1));
    }
}

void staging_clear(struct staging *staging)
{
    for (size_t i = 0; i < staging->count; i++) {
        store_version_unref(staging->rows[i].version);
    }
    staging->count = 0;
    if (staging->capacity > ROWS_KEPT) {
        staging_deinit(staging);
    }
}

void staging_deinit(struct staging *staging)
{
    free(staging->rows);
    free(staging->index);
    memset(staging, 0, sizeof *staging);
}
