#include "storage/row_task.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/version.h"

#define TASK_BYTES (512u * 1024)
/* What a thread's heap grows by, and after how many bytes of records it must. */
#define HEAP_STEP_BYTES (120u * 1024)
#define HEAP_STEP_RECORDS (96u * 1024)

static int complain(const struct row_loader_input *input, const struct row_run *run, size_t at, struct err *err)
{
    struct data_dir_path path = run->segment != 0 ? data_dir_segment(input->dir, run->segment)
                                                  : data_dir_snapshot(input->dir, input->snapshot_lsn);

    return err_wrap(err, "%s, offset %" PRIu64, path.text, run->offset + at);
}

/* ---- adding ---- */

bool row_task_takes(const struct row_task *task, const struct read_buffer *buffer)
{
    return task->run_count == 0 ||
           (task->run_count < ROW_TASK_RUNS_MAX && task->buffer == buffer && task->bytes < TASK_BYTES);
}

static int reserve_rows(struct row_task *task, size_t count, struct err *err)
{
    struct row_loaded *rows;

    if (task->row_capacity >= count) {
        return 0;
    }
    rows = realloc(task->rows, 2 * count * sizeof *rows);
    if (!rows) {
        return err_set(err, ERR_EXHAUSTED, "no memory to load %zu rows", count);
    }
    task->rows = rows;
    task->row_capacity = 2 * count;
    return 0;
}

int row_task_add(struct row_task *task, const struct row_run *run, struct read_buffer *buffer, struct err *err)
{
    /* A count that the bytes cannot hold ends the decoding before it is reached. */
    size_t records = run->records.size / WAL_RECORD_HEADER_BYTES;

    records = run->record_count < records ? run->record_count : records;
    if (reserve_rows(task, task->record_count + records, err) != 0) {
        return -1;
    }
    if (task->run_count == 0) {
        task->buffer = read_buffer_hold(buffer);
    }
    task->runs[task->run_count++] = *run;
    task->record_count += records;
    task->bytes += run->records.size;
    return 0;
}

/* ---- decoding ---- */

/* carried: of a locked row, else empty. */
static int load_row(struct row_task *task, const struct row_loader_input *input, const struct wal_row *row,
                    struct span carried, struct err *err)
{
    struct row_loaded *loaded = &task->rows[task->row_count];
    struct store_version *version = NULL;

    if (row->table == 0 || row->table >= STORE_TABLE_COUNT) {
        return err_set(err, ERR_UNSUPPORTED, "table %u is of a newer program", row->table);
    }
    if (!row->deleted && version_create_locked(input->extract, (enum store_table)row->table, row->id, row->value,
                                               carried, &version, err) != 0) {
        return err_wrap(err, "table %u, id %" PRIu64, row->table, row->id);
    }
    loaded->table = row->table;
    loaded->id = row->id;
    loaded->version = version;
    task->row_count++;
    return 0;
}

/* A record that is no plain row: of the number in the run. */
static int open_row(struct row_task *task, const struct row_run *run, uint32_t number,
                    const struct row_loader_input *input, struct row_decoding *decoding, const struct wal_row *row,
                    struct err *err)
{
    enum wal_seal_place place = run->segment != 0 ? WAL_SEAL_IN_LOG : WAL_SEAL_IN_SNAPSHOT;
    uint64_t lsn = run->segment != 0 ? run->lsn + number : run->lsn;
    struct row_seals *seals = &task->seals;
    struct row_view view;

    if ((!decoding->opener && row_opener_create(input->keys, &decoding->opener, err) != 0) ||
        row_opener_open(decoding->opener, place, lsn, row, &view, err) != 0) {
        return -1;
    }
    if (view.kind == ROW_VIEW_NONE) {
        seals->runs = row_opener_runs(decoding->opener);
        return 0;
    }
    seals->locked = seals->locked || view.kind == ROW_VIEW_LOCKED;
    seals->whole = seals->whole || view.whole;
    seals->other = seals->other || !view.whole || !input->store_key || strcmp(view.whole->name, input->store_key) != 0;
    return load_row(task, input, &view.row, view.carried, err);
}

static int take_record(struct row_task *task, const struct row_run *run, uint32_t number,
                       const struct row_loader_input *input, struct row_decoding *decoding, const struct wal_row *row,
                       struct err *err)
{
    if (row->kind != WAL_ROW_PLAIN) {
        return open_row(task, run, number, input, decoding, row, err);
    }
    task->seals.other = task->seals.other || !row->deleted;
    return load_row(task, input, row, span_make(NULL, 0), err);
}

/* Off the main thread glibc grows a heap by single pages, each by a system call that stands in the way of the page
 * faults of all threads: it was an eighth of a start. A larger piece, asked for and given back, leaves its room at the
 * heap's end. */
static void grow_heap(size_t at, size_t *grown_at)
{
    if (at >= *grown_at) {
        void *volatile piece = malloc(HEAP_STEP_BYTES);

        free(piece);
        *grown_at = at + HEAP_STEP_RECORDS;
    }
}

static int decode_run(struct row_task *task, const struct row_run *run, const struct row_loader_input *input,
                      struct row_decoding *decoding, struct err *err)
{
    struct wal_row row;
    size_t grown_at = 0;
    size_t at = 0;

    if (decoding->opener) {
        row_opener_begin(decoding->opener);
    }
    for (uint32_t i = 0; i < run->record_count; i++) {
        size_t size;

        grow_heap(at, &grown_at);
        if (wal_record_decode(&decoding->decoder, span_skip(run->records, at), &row, &size, err) != 0) {
            return complain(input, run, at, err);
        }
        if (i >= run->skip && take_record(task, run, i, input, decoding, &row, err) != 0) {
            return complain(input, run, at, err);
        }
        at += size;
    }
    if (at != run->records.size) {
        err_set(err, ERR_CORRUPT, "%zu bytes stand behind the last record", run->records.size - at);
        return complain(input, run, at, err);
    }
    return 0;
}

void row_task_decode(struct row_task *task, const struct row_loader_input *input, struct row_decoding *decoding)
{
    struct err none = ERR_INIT;

    task->err = none;
    task->result = 0;
    for (uint32_t i = 0; i < task->run_count && task->result == 0; i++) {
        task->result = decode_run(task, &task->runs[i], input, decoding, &task->err);
    }
    read_buffer_unhold(task->buffer);
    task->buffer = NULL;
}

void row_decoding_deinit(struct row_decoding *decoding)
{
    wal_record_decoder_deinit(&decoding->decoder);
    row_opener_destroy(decoding->opener);
    decoding->opener = NULL;
}

/* ---- giving up ---- */

void row_task_clear(struct row_task *task)
{
    for (size_t i = 0; i < task->row_count; i++) {
        store_version_unref(task->rows[i].version);
    }
    read_buffer_unhold(task->buffer);
    task->buffer = NULL;
    task->done = false;
    task->run_count = 0;
    task->record_count = 0;
    task->bytes = 0;
    task->row_count = 0;
    task->seals = (struct row_seals){.runs = 0};
}

void row_task_deinit(struct row_task *task)
{
    row_task_clear(task);
    free(task->rows);
    task->rows = NULL;
    task->row_capacity = 0;
}
