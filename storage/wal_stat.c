#include "storage/wal_stat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "storage/tool_common.h"

#define CAPACITY_MIN 1024
#define DELETED UINT32_MAX

void wal_stat_reset(struct wal_stat *stat)
{
    wal_stat_deinit(stat);
}

void wal_stat_deinit(struct wal_stat *stat)
{
    free(stat->rows);
    memset(stat, 0, sizeof *stat);
}

static struct wal_stat_row *find_cell(struct wal_stat_row *rows, size_t capacity, uint32_t table, uint64_t id)
{
    uint64_t hash = (id ^ (uint64_t)table << 60) * UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = (size_t)(hash >> 32) & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        if (rows[i].table == 0 || (rows[i].id == id && rows[i].table == table)) {
            return &rows[i];
        }
    }
}

static bool grow(struct wal_stat *stat)
{
    size_t capacity = stat->capacity > 0 ? 2 * stat->capacity : CAPACITY_MIN;
    struct wal_stat_row *rows = calloc(capacity, sizeof *rows);

    if (!rows) {
        return false;
    }
    for (size_t i = 0; i < stat->capacity; i++) {
        if (stat->rows[i].table != 0) {
            *find_cell(rows, capacity, stat->rows[i].table, stat->rows[i].id) = stat->rows[i];
        }
    }
    free(stat->rows);
    stat->rows = rows;
    stat->capacity = capacity;
    return true;
}

static void note_latest(struct wal_stat *stat, const struct wal_row *row)
{
    struct wal_stat_row *cell;

    if (2 * (stat->count + 1) > stat->capacity && !grow(stat)) {
        stat->no_memory = true;
        return;
    }
    cell = find_cell(stat->rows, stat->capacity, row->table, row->id);
    stat->count += cell->table == 0 ? 1 : 0;
    cell->id = row->id;
    cell->table = row->table;
    cell->bytes = row->deleted ? DELETED : (uint32_t)row->value.size;
}

void wal_stat_add(struct wal_stat *stat, const struct wal_row *row, bool of_snapshot)
{
    struct wal_stat_table *table = &stat->tables[row->table < STORE_TABLE_COUNT ? row->table : STORE_TABLE_COUNT];

    table->snapshot_rows += of_snapshot ? 1 : 0;
    table->deletes += row->deleted ? 1 : 0;
    table->puts += !of_snapshot && !row->deleted ? 1 : 0;
    table->bytes += row->value.size;
    if (row->table != 0 && !stat->no_memory) {
        note_latest(stat, row);
    }
}

/* ---- the sums ---- */

struct sums {
    struct wal_stat_row largest[WAL_STAT_LARGEST]; /* largest first */
    size_t largest_count;
    uint64_t bytes;
    uint64_t live_bytes;
    int64_t snapshot_age_s; /* -1: none */
};

static void note_largest(struct sums *sums, const struct wal_stat_row *row)
{
    size_t at = sums->largest_count;

    if (at == WAL_STAT_LARGEST && row->bytes <= sums->largest[at - 1].bytes) {
        return;
    }
    at -= at == WAL_STAT_LARGEST ? 1 : 0;
    while (at > 0 && sums->largest[at - 1].bytes < row->bytes) {
        sums->largest[at] = sums->largest[at - 1];
        at--;
    }
    sums->largest[at] = *row;
    sums->largest_count += sums->largest_count < WAL_STAT_LARGEST ? 1 : 0;
}

static int64_t age_of(const char *dir, uint64_t snapshot_lsn)
{
    struct data_dir_path path = data_dir_snapshot(dir, snapshot_lsn);
    struct stat status;
    int64_t age;

    if (snapshot_lsn == 0 || stat(path.text, &status) != 0) {
        return -1;
    }
    age = (int64_t)time(NULL) - (int64_t)status.st_mtime;
    return age > 0 ? age : 0;
}

static void sum_up(struct wal_stat *stat, const char *dir, const struct survey *survey, struct sums *sums)
{
    memset(sums, 0, sizeof *sums);
    for (size_t i = 0; i < stat->capacity; i++) {
        const struct wal_stat_row *row = &stat->rows[i];
        struct wal_stat_table *table = &stat->tables[row->table < STORE_TABLE_COUNT ? row->table : STORE_TABLE_COUNT];

        if (row->table != 0 && row->bytes != DELETED) {
            table->live_rows++;
            table->live_bytes += row->bytes;
            note_largest(sums, row);
        }
    }
    for (size_t i = 0; i < WAL_STAT_TABLES; i++) {
        sums->bytes += stat->tables[i].bytes;
        sums->live_bytes += stat->tables[i].live_bytes;
    }
    sums->snapshot_age_s = age_of(dir, survey->manifest.snapshot_lsn);
}

static double live_share(const struct sums *sums)
{
    return sums->bytes > 0 ? (double)sums->live_bytes / (double)sums->bytes : 1;
}

/* ---- printing ---- */

/* The values of which there is one, in one list for both forms. */
static void print_values(const struct survey *survey, const struct sums *sums, bool json, FILE *out)
{
    const struct wal_end *end = &survey->end;
    const struct {
        const char *name;
        uint64_t value;
    } values[] = {{"epoch", end->position.epoch},
                  {"snapshot_lsn", survey->manifest.snapshot_lsn},
                  {"snapshot_rows", survey->snapshot_rows},
                  {"snapshot_bytes", survey->snapshot_bytes},
                  {"first_lsn", survey->first_lsn},
                  {"last_lsn", end->position.next_lsn - 1},
                  {"records", end->records},
                  {"batches", end->batches},
                  {"marks", end->marks},
                  {"durable_batch", end->durable_batch},
                  {"segments", end->segments},
                  {"log_bytes", end->log_bytes},
                  {"torn_bytes", end->torn_bytes},
                  {"live_bytes", sums->live_bytes},
                  {"dead_bytes", sums->bytes - sums->live_bytes}};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        fprintf(out, json ? "%s\"%s\":%" PRIu64 : "%s%-14s %" PRIu64 "\n", json && i > 0 ? "," : "", values[i].name,
                values[i].value);
    }
    if (json) {
        fprintf(out, ",\"live_share\":%.4f,\"clean\":%s", live_share(sums), end->clean ? "true" : "false");
    } else {
        fprintf(out, "%-14s %.4f\n%-14s %s\n", "live_share", live_share(sums), "clean", end->clean ? "true" : "false");
    }
    if (sums->snapshot_age_s >= 0) {
        fprintf(out, json ? ",\"%s\":%" PRId64 : "%-14s %" PRId64 "\n", "snapshot_age_s", sums->snapshot_age_s);
    }
}

static void print_tables(const struct wal_stat *stat, bool json, FILE *out)
{
    const char *format =
        json ? "%s{\"table\":\"%s\",\"live_rows\":%" PRIu64 ",\"live_bytes\":%" PRIu64 ",\"snapshot_rows\":%" PRIu64
               ",\"puts\":%" PRIu64 ",\"deletes\":%" PRIu64 ",\"bytes\":%" PRIu64 "}"
             : "%s%-11s %12" PRIu64 " %14" PRIu64 " %13" PRIu64 " %12" PRIu64 " %12" PRIu64 " %14" PRIu64 "\n";
    const char *between = "";

    fputs(json ? ",\"tables\":["
               : "\ntable          live_rows     live_bytes snapshot_rows         puts      deletes          bytes\n",
          out);
    for (uint32_t i = 0; i < WAL_STAT_TABLES; i++) {
        const struct wal_stat_table *table = &stat->tables[i];

        if ((i == 0 || i == STORE_TABLE_COUNT) && table->puts + table->deletes + table->snapshot_rows == 0) {
            continue;
        }
        fprintf(out, format, between, tool_table_name(i), table->live_rows, table->live_bytes, table->snapshot_rows,
                table->puts, table->deletes, table->bytes);
        between = json ? "," : "";
    }
    fputs(json ? "]" : "", out);
}

static void print_largest(const struct sums *sums, bool json, FILE *out)
{
    const char *between = "";

    fputs(json ? ",\"largest\":[" : "\nlargest rows\n", out);
    for (size_t i = 0; i < sums->largest_count; i++) {
        const struct wal_stat_row *row = &sums->largest[i];

        fprintf(out,
                json ? "%s{\"table\":\"%s\",\"id\":\"%" PRIu64 "\",\"bytes\":%u}"
                     : "%s%-11s %20" PRIu64 " %10u bytes\n",
                between, tool_table_name(row->table), row->id, row->bytes);
        between = json ? "," : "";
    }
    fputs(json ? "]" : "", out);
}

int wal_stat_print(struct wal_stat *stat, const char *dir, const struct survey *survey, bool json, FILE *out,
                   struct err *err)
{
    struct sums sums;

    if (stat->no_memory) {
        return err_set(err, ERR_EXHAUSTED, "no memory to count the rows of %s", dir);
    }
    sum_up(stat, dir, survey, &sums);
    fputs(json ? "{" : "", out);
    print_values(survey, &sums, json, out);
    print_tables(stat, json, out);
    print_largest(&sums, json, out);
    fputs(json ? "}\n" : "", out);
    return 0;
}
