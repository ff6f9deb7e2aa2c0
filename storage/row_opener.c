#include "storage/row_opener.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct met_run {
    uint8_t id[SEAL_ID_BYTES]; /* first: what the tree compares */
    const struct data_key *data_key;
    struct seal_box *box; /* NULL: locked */
    char *record;         /* of the key, as it stood there; malloc'd */
    size_t record_bytes;
    uint64_t part; /* the last batch or chunk in which it stood */
};

struct row_opener {
    struct keyring *ring;
    void *runs; /* tree of search.h, by id */
    size_t run_count;
    uint64_t part; /* number of the batch or chunk being read */
    struct row_bytes outer;
    struct row_bytes inner;
    struct row_bytes carried;
    struct wal_record_decoder decoder;
};

int row_opener_create(struct keyring *ring, struct row_opener **ret_opener, struct err *err)
{
    struct row_opener *opener = calloc(1, sizeof *opener);

    if (!opener) {
        return err_set(err, ERR_EXHAUSTED, "no memory to open sealed rows");
    }
    opener->ring = ring;
    *ret_opener = opener;
    return 0;
}

static void destroy_run(void *node)
{
    struct met_run *run = node;

    seal_box_destroy(run->box);
    free(run->record);
    free(run);
}

void row_opener_destroy(struct row_opener *opener)
{
    if (!opener) {
        return;
    }
    tdestroy(opener->runs, destroy_run);
    row_bytes_deinit(&opener->outer);
    row_bytes_deinit(&opener->inner);
    row_bytes_deinit(&opener->carried);
    wal_record_decoder_deinit(&opener->decoder);
    free(opener);
}

void row_opener_begin(struct row_opener *opener)
{
    opener->part++;
}

size_t row_opener_runs(const struct row_opener *opener)
{
    return opener->run_count;
}

/* ---- keys ---- */

static int compare_ids(const void *left, const void *right)
{
    return memcmp(left, right, SEAL_ID_BYTES);
}

static struct met_run *find_run(const struct row_opener *opener, struct span id)
{
    struct met_run *const *found = id.size == SEAL_ID_BYTES ? tfind(id.data, &opener->runs, compare_ids) : NULL;

    return found ? *found : NULL;
}

static int fill_run(const struct row_opener *opener, const struct wal_row *row, struct met_run *run, struct err *err)
{
    const struct wal_seal_key *key = &row->of.seal_key;
    struct wrapped_key wrapped = {.size = (uint16_t)key->wrapped.size};

    memcpy(run->id, key->run.data, sizeof run->id);
    memcpy(wrapped.version, key->version.data, key->version.size);
    memcpy(wrapped.bytes, key->wrapped.data, key->wrapped.size);
    run->record_bytes = wal_record_bytes(row);
    run->record = malloc(run->record_bytes);
    if (!run->record) {
        return err_set(err, ERR_EXHAUSTED, "no memory to open sealed rows");
    }
    wal_record_encode(row, run->record);
    if (keyring_meet(opener->ring, (const uint8_t *)key->data_key.data, key->name, &wrapped, &run->data_key, err) !=
        0) {
        return -1;
    }
    return run->data_key->secret ? row_seal_make_box(run->data_key, run->id, &run->box, err) : 0;
}

static int meet_key(struct row_opener *opener, const struct wal_row *row, struct err *err)
{
    const struct wal_seal_key *key = &row->of.seal_key;
    struct met_run *run;

    if (key->run.size != SEAL_ID_BYTES || key->data_key.size != SEAL_ID_BYTES || key->name.size == 0 ||
        key->name.size >= KEY_NAME_BYTES || key->version.size == 0 || key->version.size >= KEY_VERSION_BYTES ||
        key->wrapped.size == 0 || key->wrapped.size > WRAPPED_BYTES_MAX) {
        return err_set(err, ERR_CORRUPT, "a wrapped key makes no sense");
    }
    run = find_run(opener, key->run);
    if (run) {
        run->part = opener->part;
        return 0;
    }
    run = calloc(1, sizeof *run);
    if (!run) {
        return err_set(err, ERR_EXHAUSTED, "no memory to open sealed rows");
    }
    if (fill_run(opener, row, run, err) != 0) {
        destroy_run(run);
        return -1;
    }
    if (!tsearch(run, &opener->runs, compare_ids)) {
        destroy_run(run);
        return err_set(err, ERR_EXHAUSTED, "no memory to open sealed rows");
    }
    run->part = opener->part;
    opener->run_count++;
    return 0;
}

/* ---- rows ---- */

static int check_place(const struct wal_row *row, enum wal_seal_place place, uint64_t lsn, struct err *err)
{
    const struct wal_seal *seal = &row->of.seal;
    bool is_carried = place == WAL_SEAL_IN_SNAPSHOT && (seal->place != place || seal->lsn < lsn);

    if ((seal->place == place && seal->lsn == lsn) || (is_carried && !seal->whole)) {
        return 0;
    }
    return err_set(err, ERR_CORRUPT,
                   "table %u, id %" PRIu64 ": the row was sealed for lsn %" PRIu64 " and stands at %" PRIu64
                   ": somebody has moved it",
                   row->table, row->id, seal->lsn, lsn);
}

static int open_bytes(const struct met_run *run, const struct wal_row *row, struct row_bytes *memory, struct span *ret,
                      struct err *err)
{
    char bound[ROW_SEAL_BOUND_BYTES + ROW_SEAL_OUTLINE_BYTES_MAX];

    if (row->of.seal.outline.size > ROW_SEAL_OUTLINE_BYTES_MAX || row->value.size < SEAL_TAG_BYTES) {
        return err_set(err, ERR_CORRUPT, "table %u, id %" PRIu64 ": a sealed row makes no sense", row->table, row->id);
    }
    if (row_bytes_reserve(memory, row->value.size, err) != 0) {
        return -1;
    }
    if (seal_box_open(run->box, row->of.seal.number, row_seal_bound(row, bound), row->value, memory->data, err) != 0) {
        return err->code != ERR_DENIED
                   ? -1
                   : err_set(err, ERR_CORRUPT,
                             "table %u, id %" PRIu64
                             ": the checksum holds, but the seal by the key \"%s\" does not: somebody has changed it",
                             row->table, row->id, run->data_key->name);
    }
    *ret = span_make(memory->data, row->value.size - SEAL_TAG_BYTES);
    return 0;
}

static int find_run_of(const struct row_opener *opener, const struct wal_row *row, struct met_run **ret_run,
                       struct err *err)
{
    *ret_run = find_run(opener, row->of.seal.run);
    return *ret_run && (*ret_run)->part == opener->part
               ? 0
               : err_set(err, ERR_CORRUPT, "table %u, id %" PRIu64 ": a sealed row without its key before it",
                         row->table, row->id);
}

static int keep_locked(struct row_opener *opener, const struct met_run *run, const struct wal_row *row,
                       struct row_view *view, struct err *err)
{
    size_t row_bytes = wal_record_bytes(row);

    if (row_bytes_reserve(&opener->carried, run->record_bytes + row_bytes, err) != 0) {
        return -1;
    }
    memcpy(opener->carried.data, run->record, run->record_bytes);
    wal_record_encode(row, opener->carried.data + run->record_bytes);
    view->kind = ROW_VIEW_LOCKED;
    view->carried = span_make(opener->carried.data, run->record_bytes + row_bytes);
    view->why = &run->data_key->why_locked;
    view->row =
        (struct wal_row){.kind = WAL_ROW_PLAIN, .table = row->table, .id = row->id, .value = row->of.seal.outline};
    return 0;
}

/* A row sealed with its own key. */
static int open_own(struct row_opener *opener, enum wal_seal_place place, uint64_t lsn, const struct wal_row *row,
                    struct row_view *view, struct err *err)
{
    struct met_run *run = NULL;
    struct span plain;

    if (check_place(row, place, lsn, err) != 0 || find_run_of(opener, row, &run, err) != 0) {
        return -1;
    }
    view->key = run->data_key;
    if (!run->box) {
        return keep_locked(opener, run, row, view, err);
    }
    if (open_bytes(run, row, &opener->inner, &plain, err) != 0) {
        return -1;
    }
    view->kind = ROW_VIEW_PLAIN;
    view->row = (struct wal_row){.kind = WAL_ROW_PLAIN, .table = row->table, .id = row->id, .value = plain};
    return 0;
}

/* A row sealed with the store's key, perhaps around one sealed with its own. */
static int open_whole(struct row_opener *opener, enum wal_seal_place place, uint64_t lsn, const struct wal_row *row,
                      struct row_view *view, struct err *err)
{
    struct met_run *run = NULL;
    struct wal_row nested;
    struct span plain;
    size_t size;

    if (check_place(row, place, lsn, err) != 0 || find_run_of(opener, row, &run, err) != 0) {
        return -1;
    }
    if (!run->box) {
        return err_set(err, ERR_DENIED, "the store is sealed with the key \"%s\", which cannot be had: %s",
                       run->data_key->name, run->data_key->why_locked.text);
    }
    if (open_bytes(run, row, &opener->outer, &plain, err) != 0) {
        return -1;
    }
    view->whole = run->data_key;
    if (!row->of.seal.nested) {
        view->kind = ROW_VIEW_PLAIN;
        view->row = (struct wal_row){.kind = WAL_ROW_PLAIN, .table = row->table, .id = row->id, .value = plain};
        return 0;
    }
    if (wal_record_decode(&opener->decoder, plain, &nested, &size, err) != 0) {
        return -1;
    }
    if (nested.kind != WAL_ROW_SEALED || nested.of.seal.whole || nested.table != row->table || nested.id != row->id) {
        return err_set(err, ERR_CORRUPT, "table %u, id %" PRIu64 ": a sealed row makes no sense", row->table, row->id);
    }
    return open_own(opener, place, lsn, &nested, view, err);
}

int row_opener_open(struct row_opener *opener, enum wal_seal_place place, uint64_t lsn, const struct wal_row *row,
                    struct row_view *ret_view, struct err *err)
{
    struct row_view view = {.kind = ROW_VIEW_NONE};
    int result = 0;

    switch (row->kind) {
    case WAL_ROW_SEAL_KEY:
        result = meet_key(opener, row, err);
        break;
    case WAL_ROW_SEALED:
        result = row->of.seal.whole ? open_whole(opener, place, lsn, row, &view, err)
                                    : open_own(opener, place, lsn, row, &view, err);
        break;
    default:
        view.kind = ROW_VIEW_PLAIN;
        view.row = *row;
        break;
    }
    if (result == 0) {
        *ret_view = view;
    }
    return result;
}
