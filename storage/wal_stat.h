/* wal_stat: what `customjobd wal stat` tells: what is in a directory, by table, what of it counts, what is largest.
 *
 * Used by   wal_tool.
 * Shape     each row of the snapshot and record of the log is added in their order; the last of a row counts, the ones
 *           before are dead. Memory: 16 to 32 bytes a row.
 * Thread    one.      Units     bytes of values.
 * Errors    ERR_EXHAUSTED: memory; kept until wal_stat_print.
 */
#ifndef STORAGE_WAL_STAT_H_
#define STORAGE_WAL_STAT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "storage/store.h"
#include "storage/survey.h"

C_DECLS_BEGIN

#define WAL_STAT_LARGEST 5
#define WAL_STAT_TABLES (STORE_TABLE_COUNT + 1)

struct wal_stat_table {
    uint64_t puts; /* of the log */
    uint64_t deletes;
    uint64_t snapshot_rows;
    uint64_t bytes; /* of all values, dead ones too */
    uint64_t live_rows;
    uint64_t live_bytes;
};

struct wal_stat_row {
    uint64_t id;
    uint32_t table; /* 0: an empty cell */
    uint32_t bytes; /* UINT32_MAX: deleted */
};

struct wal_stat {
    /* 0: keys of sealed rows; the last: tables that this program does not know */
    struct wal_stat_table tables[WAL_STAT_TABLES];
    struct wal_stat_row *rows; /* open addressing, a power of two */
    size_t capacity;
    size_t count;
    bool no_memory;
};

#define WAL_STAT_INIT \
    {                 \
        .capacity = 0 \
    }

/* Begins anew. */
void wal_stat_reset(struct wal_stat *stat);
void wal_stat_add(struct wal_stat *stat, const struct wal_row *row, bool of_snapshot);
MUST_USE int wal_stat_print(struct wal_stat *stat, const char *dir, const struct survey *survey, bool json, FILE *out,
                            struct err *err);
void wal_stat_deinit(struct wal_stat *stat);

C_DECLS_END

#endif /* STORAGE_WAL_STAT_H_ */
