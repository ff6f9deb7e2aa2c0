#include "storage/row_sealer.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct run {
    char name[KEY_NAME_BYTES]; /* first: what the tree compares */
    uint8_t id[SEAL_ID_BYTES];
    const struct data_key *data_key;
    struct seal_box *box;
    uint64_t next_number;
};

struct row_sealer {
    struct keyring *ring;
    const char *store_key;
    enum wal_seal_place place;
    void *runs;                 /* tree of search.h, by name */
    struct row_bytes announced; /* ids of the runs whose keys stand in this batch */
    size_t announced_count;
    struct row_bytes inner; /* sealed bytes of a row */
    struct row_bytes frame; /* its record, to be sealed once more */
    struct row_bytes outer; /* and the sealed bytes of that */
    struct wal_record_decoder key_decoder;
    struct wal_record_decoder row_decoder;
};

int row_sealer_create(struct keyring *ring, const char *store_key, enum wal_seal_place place,
                      struct row_sealer **ret_sealer, struct err *err)
{
    struct row_sealer *sealer = calloc(1, sizeof *sealer);

    if (!sealer) {
        return err_set(err, ERR_EXHAUSTED, "no memory to seal rows");
    }
    sealer->ring = ring;
    sealer->store_key = store_key;
    sealer->place = place;
    *ret_sealer = sealer;
    return 0;
}

static void destroy_run(void *node)
{
    struct run *run = node;

    seal_box_destroy(run->box);
    free(run);
}

void row_sealer_destroy(struct row_sealer *sealer)
{
    if (!sealer) {
        return;
    }
    tdestroy(sealer->runs, destroy_run);
    row_bytes_deinit(&sealer->announced);
    row_bytes_deinit(&sealer->inner);
    row_bytes_deinit(&sealer->frame);
    row_bytes_deinit(&sealer->outer);
    wal_record_decoder_deinit(&sealer->key_decoder);
    wal_record_decoder_deinit(&sealer->row_decoder);
    free(sealer);
}

void row_sealer_begin(struct row_sealer *sealer)
{
    sealer->announced_count = 0;
}

/* ---- runs ---- */

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

static int make_run(struct row_sealer *sealer, const char *name, struct run *run, struct err *err)
{
    memcpy(run->name, name, strlen(name) + 1);
    if (keyring_current(sealer->ring, span_of(name), &run->data_key, err) != 0 ||
        seal_random(run->id, sizeof run->id, err) != 0) {
        return -1;
    }
    return row_seal_make_box(run->data_key, run->id, &run->box, err);
}

static int find_run(struct row_sealer *sealer, struct span name_span, struct run **ret_run, struct err *err)
{
    char name[KEY_NAME_BYTES];
    struct run *const *found;
    struct run *run;

    if (name_span.size >= sizeof name) {
        return err_set(err, ERR_NOT_FOUND, "there is no key with a name of %zu characters", name_span.size);
    }
    memcpy(name, name_span.data, name_span.size);
    name[name_span.size] = '\0';
    found = tfind(name, &sealer->runs, compare_names);
    if (found) {
        *ret_run = *found;
        return 0;
    }
    run = calloc(1, sizeof *run);
    if (!run) {
        return err_set(err, ERR_EXHAUSTED, "no memory to seal rows");
    }
    if (make_run(sealer, name, run, err) != 0) {
        destroy_run(run);
        return -1;
    }
    if (!tsearch(run, &sealer->runs, compare_names)) {
        destroy_run(run);
        return err_set(err, ERR_EXHAUSTED, "no memory to seal rows");
    }
    *ret_run = run;
    return 0;
}

static bool is_announced(const struct row_sealer *sealer, struct span run)
{
    for (size_t i = 0; i < sealer->announced_count; i++) {
        if (memcmp(sealer->announced.data + i * SEAL_ID_BYTES, run.data, SEAL_ID_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

int row_sealer_keep(struct row_sealer *sealer, const struct row_sealing *sealing, struct err *err)
{
    for (size_t i = 0; i < sealing->count; i++) {
        const struct wal_row *row = &sealing->rows[i];
        size_t used = sealer->announced_count * SEAL_ID_BYTES;

        if (row->kind != WAL_ROW_SEAL_KEY) {
            continue;
        }
        if (row_bytes_reserve(&sealer->announced, used + SEAL_ID_BYTES, err) != 0) {
            return -1;
        }
        memcpy(sealer->announced.data + used, row->of.seal_key.run.data, SEAL_ID_BYTES);
        sealer->announced_count++;
    }
    return 0;
}

static void announce(const struct row_sealer *sealer, const struct wal_row *key, struct row_sealing *sealing)
{
    if (!is_announced(sealer, key->of.seal_key.run)) {
        sealing->rows[sealing->count++] = *key;
    }
}

static struct wal_row key_of_run(const struct run *run)
{
    const struct data_key *key = run->data_key;

    return (struct wal_row){.kind = WAL_ROW_SEAL_KEY,
                            .of.seal_key = {.run = span_make(run->id, SEAL_ID_BYTES),
                                            .data_key = span_make(key->id, SEAL_ID_BYTES),
                                            .name = span_of(run->name),
                                            .version = span_of(key->wrapped.version),
                                            .wrapped = span_make(key->wrapped.bytes, key->wrapped.size)}};
}

/* ---- sealing ---- */

/* Fills row, whose place, lsn, outline and flags are set, with the plain bytes sealed into memory. */
static int seal_bytes(struct run *run, struct wal_row *row, struct span plain, struct row_bytes *memory,
                      struct err *err)
{
    char bound[ROW_SEAL_BOUND_BYTES + ROW_SEAL_OUTLINE_BYTES_MAX];

    row->kind = WAL_ROW_SEALED;
    row->of.seal.run = span_make(run->id, SEAL_ID_BYTES);
    row->of.seal.number = run->next_number++;
    if (row->of.seal.outline.size > ROW_SEAL_OUTLINE_BYTES_MAX) {
        return err_set(err, ERR_INTERNAL, "an outline of %zu bytes", row->of.seal.outline.size);
    }
    if (row_bytes_reserve(memory, plain.size + SEAL_TAG_BYTES, err) != 0 ||
        seal_box_seal(run->box, row->of.seal.number, row_seal_bound(row, bound), plain, memory->data, err) != 0) {
        return -1;
    }
    row->value = span_make(memory->data, plain.size + SEAL_TAG_BYTES);
    return 0;
}

/* Both records of a locked row, as they were found. */
static int read_carried(struct row_sealer *sealer, struct span carried, struct wal_row *key, struct wal_row *row,
                        struct err *err)
{
    size_t size;

    if (wal_record_decode(&sealer->key_decoder, carried, key, &size, err) != 0 ||
        wal_record_decode(&sealer->row_decoder, span_skip(carried, size), row, &size, err) != 0) {
        return -1;
    }
    return key->kind == WAL_ROW_SEAL_KEY && row->kind == WAL_ROW_SEALED && key->of.seal_key.run.size == SEAL_ID_BYTES
               ? 0
               : err_set(err, ERR_INTERNAL, "a locked row was not kept as it was");
}

static int wrap_in_store_key(struct row_sealer *sealer, struct run *store_run, uint64_t lsn, struct wal_row *row,
                             struct err *err)
{
    struct wal_row outer = {
        .table = row->table, .id = row->id, .of.seal = {.place = sealer->place, .lsn = lsn, .whole = true}};
    struct span plain = row->value;

    if (row->kind == WAL_ROW_SEALED) {
        size_t size = wal_record_bytes(row);

        if (row_bytes_reserve(&sealer->frame, size, err) != 0) {
            return -1;
        }
        wal_record_encode(row, sealer->frame.data);
        plain = span_make(sealer->frame.data, size);
        outer.of.seal.nested = true;
    }
    if (seal_bytes(store_run, &outer, plain, &sealer->outer, err) != 0) {
        return -1;
    }
    *row = outer;
    return 0;
}

/* The runs that the row needs, and their keys at the head of the sealing. */
static int find_runs(struct row_sealer *sealer, const struct row_wish *wish, struct run **ret_own,
                     struct run **ret_store, struct row_sealing *sealing, struct err *err)
{
    struct wal_row key;

    if (wish->key_name.size > 0 && wish->carried.size == 0) {
        if (find_run(sealer, wish->key_name, ret_own, err) != 0) {
            return -1;
        }
        key = key_of_run(*ret_own);
        announce(sealer, &key, sealing);
    }
    if (sealer->store_key) {
        if (find_run(sealer, span_of(sealer->store_key), ret_store, err) != 0) {
            return -1;
        }
        if (*ret_store != *ret_own) {
            key = key_of_run(*ret_store);
            announce(sealer, &key, sealing);
        }
    }
    return 0;
}

static int seal_row(struct row_sealer *sealer, struct wal_row *row, const struct row_wish *wish, uint64_t lsn,
                    struct row_sealing *sealing, struct err *err)
{
    struct run *own = NULL, *store = NULL;
    struct wal_row key;

    if (wish->carried.size > 0) {
        if (read_carried(sealer, wish->carried, &key, row, err) != 0) {
            return -1;
        }
        announce(sealer, &key, sealing);
    }
    if (find_runs(sealer, wish, &own, &store, sealing, err) != 0) {
        return -1;
    }
    /* In a log the keys come before the row, and take their numbers. */
    lsn += sealer->place == WAL_SEAL_IN_LOG ? sealing->count : 0;
    if (own) {
        struct span plain = row->value;

        row->of.seal = (struct wal_seal){.place = sealer->place, .lsn = lsn, .outline = wish->outline};
        if (seal_bytes(own, row, plain, &sealer->inner, err) != 0) {
            return -1;
        }
    }
    return store ? wrap_in_store_key(sealer, store, lsn, row, err) : 0;
}

int row_sealer_seal(struct row_sealer *sealer, const struct wal_row *row, const struct row_wish *wish, uint64_t lsn,
                    struct row_sealing *ret_sealing, struct err *err)
{
    struct row_sealing sealing = {.count = 0};
    struct wal_row sealed = *row;

    if (!row->deleted && seal_row(sealer, &sealed, wish, lsn, &sealing, err) != 0) {
        return -1;
    }
    sealing.rows[sealing.count++] = sealed;
    *ret_sealing = sealing;
    return 0;
}
