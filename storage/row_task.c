#include "storage/row_task.h"

#include <inttypes.h>
#include <stdlib.h>

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

static int load_row(const struct row_loader_input *input, const struct wal_row *row, struct row_loaded *ret_row,
                    struct err *err)
{
    struct store_version *version = NULL;

    if (row->table == 0 || row->table >= STORE_TABLE_COUNT) {
        return err_set(err, ERR_UNSUPPORTED, "table %u is of a newer program", row->table);
    }
    if (!row->deleted &&
        version_create(input->extract, (enum store_table)row->table, row->id, row->value, &version, err) != 0) {
        return err_wrap(err, "table %u, id %" PRIu64, row->table, row->id);
    }
    ret_row->table = row->table;
    ret_row->id = row->id;
    ret_row->version = version;
    return 0;
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
                      struct wal_record_decoder *decoder, struct err *err)
{
    struct wal_row row;
    size_t grown_at = 0;
    size_t at = 0;

    for (uint32_t i = 0; i < run->record_count; i++) {
        size_t size;

        grow_heap(at, &grown_at);
        if (wal_record_decode(decoder, span_skip(run->records, at), &row, &size, err) != 0) {
            return complain(input, run, at, err);
        }
        if (i >= run->skip) {
            if (load_row(input, &row, &task->rows[task->row_count], err) != 0) {
                return complain(input, run, at, err);
            }
            task->row_count++;
        }
        at += size;
    }
    if (at != run->records.size) {
        err_set(err, ERR_CORRUPT, "%zu bytes stand behind the last record", run->records.size - at);
        return complain(input, run, at, err);
    }
    return 0;
}

void row_task_decode(struct row_task *task, const struct row_loader_input *input, struct wal_record_decoder *decoder)
{
    struct err none = ERR_INIT;

    task->err = none;
    task->result = 0;
    for (uint32_t i = 0; i < task->run_count && task->result == 0; i++) {
        task->result = decode_run(task, &task->runs[i], input, decoder, &task->err);
    }
    read_buffer_unhold(task->buffer);
    task->buffer = NULL;
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
}

void row_task_deinit(struct row_task *task)
{
    row_task_clear(task);
    free(task->rows);
    task->rows = NULL;
    task->row_capacity = 0;
}
