#include "storage/row_loader.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "storage/data_dir.h"
#include "storage/version.h"
#include "storage/wal_record.h"
#include "storage/worker.h"

#define TASKS 8u
#define TASK_RUNS_MAX 256u
#define TASK_BYTES (512u * 1024)
/* More would wait for the one that publishes. */
#define HELPERS_MAX 3u
/* Helpers are not worth their start for less. */
#define HELPED_BYTES (4u * 1024 * 1024)

struct loaded_row {
    uint32_t table;
    uint64_t id;
    struct store_version *version; /* NULL: deleted */
};

struct task {
    bool done; /* under the mutex */
    struct read_buffer *buffer;
    struct row_run runs[TASK_RUNS_MAX];
    uint32_t run_count;
    uint64_t records; /* upper bound */
    size_t bytes;
    struct loaded_row *rows;
    size_t row_capacity;
    size_t row_count;
    int result;
    struct err err;
};

struct helper {
    struct worker_job job; /* first */
    struct row_loader *loader;
    struct worker *worker;
    struct wal_record_decoder decoder;
    bool posted; /* under the mutex: it takes what is there until nothing is */
};

struct row_loader {
    struct row_loader_input in;
    struct row_loader_totals totals;
    struct wal_record_decoder decoder; /* of the caller's thread */
    uint64_t bytes;                    /* added so far */
    uint64_t published;                /* tasks[published % TASKS] is the oldest that is not */
    struct helper helpers[HELPERS_MAX];
    uint32_t helper_count;
    bool helpers_tried;
    bool failed; /* to publish; with failure */
    struct err failure;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    uint64_t submitted; /* below: under mutex; tasks[submitted % TASKS] is being filled; the caller alone writes it */
    uint64_t taken;
    struct task tasks[TASKS];
};

int row_loader_create(const struct row_loader_input *input, struct row_loader **ret_loader, struct err *err)
{
    struct row_loader *loader = calloc(1, sizeof *loader);

    if (!loader) {
        return err_set(err, ERR_EXHAUSTED, "no memory to load the store");
    }
    loader->in = *input;
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->done, NULL);
    *ret_loader = loader;
    return 0;
}

/* ---- decoding, on any thread ---- */

static int complain(const struct row_loader *loader, const struct row_run *run, size_t at, struct err *err)
{
    struct data_dir_path path = run->segment != 0 ? data_dir_segment(loader->in.dir, run->segment)
                                                  : data_dir_snapshot(loader->in.dir, loader->in.snapshot_lsn);

    return err_wrap(err, "%s, offset %" PRIu64, path.text, run->offset + at);
}

static int load_row(const struct row_loader *loader, const struct wal_row *row, struct loaded_row *ret_row,
                    struct err *err)
{
    struct store_version *version = NULL;

    if (row->table == 0 || row->table >= STORE_TABLE_COUNT) {
        return err_set(err, ERR_UNSUPPORTED, "table %u is of a newer program", row->table);
    }
    if (!row->deleted &&
        version_create(loader->in.extract, (enum store_table)row->table, row->id, row->value, &version, err) != 0) {
        return err_wrap(err, "table %u, id %" PRIu64, row->table, row->id);
    }
    ret_row->table = row->table;
    ret_row->id = row->id;
    ret_row->version = version;
    return 0;
}

static int decode_run(const struct row_loader *loader, struct task *task, const struct row_run *run,
                      struct wal_record_decoder *decoder, struct err *err)
{
    struct wal_row row;
    size_t at = 0;

    for (uint32_t i = 0; i < run->record_count; i++) {
        size_t size;

        if (wal_record_decode(decoder, span_skip(run->records, at), &row, &size, err) != 0) {
            return complain(loader, run, at, err);
        }
        if (i >= run->skip) {
            if (load_row(loader, &row, &task->rows[task->row_count], err) != 0) {
                return complain(loader, run, at, err);
            }
            task->row_count++;
        }
        at += size;
    }
    if (at != run->records.size) {
        err_set(err, ERR_CORRUPT, "%zu bytes stand behind the last record", run->records.size - at);
        return complain(loader, run, at, err);
    }
    return 0;
}

static void decode_task(struct row_loader *loader, struct task *task, struct wal_record_decoder *decoder)
{
    struct err none = ERR_INIT;

    task->err = none;
    task->result = 0;
    for (uint32_t i = 0; i < task->run_count && task->result == 0; i++) {
        task->result = decode_run(loader, task, &task->runs[i], decoder, &task->err);
    }
    read_buffer_unhold(task->buffer);
    task->buffer = NULL;
    pthread_mutex_lock(&loader->mutex);
    task->done = true;
    pthread_cond_signal(&loader->done);
    pthread_mutex_unlock(&loader->mutex);
}

/* ---- helpers ---- */

static void help(struct worker_job *job)
{
    struct helper *helper = (struct helper *)job;
    struct row_loader *loader = helper->loader;

    pthread_mutex_lock(&loader->mutex);
    while (loader->taken < loader->submitted) {
        struct task *task = &loader->tasks[loader->taken++ % TASKS];

        pthread_mutex_unlock(&loader->mutex);
        decode_task(loader, task, &helper->decoder);
        pthread_mutex_lock(&loader->mutex);
    }
    helper->posted = false;
    pthread_mutex_unlock(&loader->mutex);
}

/* Has one helper more look for work, if one rests. */
static void call_helper(struct row_loader *loader)
{
    struct helper *idle = NULL;

    pthread_mutex_lock(&loader->mutex);
    for (uint32_t i = 0; i < loader->helper_count && !idle; i++) {
        idle = loader->helpers[i].posted ? NULL : &loader->helpers[i];
    }
    if (idle) {
        idle->posted = true;
    }
    pthread_mutex_unlock(&loader->mutex);
    if (idle) {
        worker_post(idle->worker, &idle->job);
    }
}

static uint32_t helpers_wanted(void)
{
    cpu_set_t cpus;
    uint32_t others = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (uint32_t)CPU_COUNT(&cpus) - 1 : 0;

    return others < HELPERS_MAX ? others : HELPERS_MAX;
}

/* One that cannot be had is done without. */
static void start_helpers(struct row_loader *loader)
{
    uint32_t wanted = helpers_wanted();
    struct err ignored = ERR_INIT;

    loader->helpers_tried = true;
    while (loader->helper_count < wanted) {
        struct helper *helper = &loader->helpers[loader->helper_count];

        helper->job.run = help;
        helper->loader = loader;
        if (worker_create("store-load", &helper->worker, &ignored) != 0) {
            return;
        }
        loader->helper_count++;
    }
}

/* What nobody has begun is left. */
static void stop_helpers(struct row_loader *loader)
{
    pthread_mutex_lock(&loader->mutex);
    loader->taken = loader->submitted;
    pthread_mutex_unlock(&loader->mutex);
    for (uint32_t i = 0; i < loader->helper_count; i++) {
        worker_destroy(loader->helpers[i].worker);
        wal_record_decoder_deinit(&loader->helpers[i].decoder);
    }
    loader->helper_count = 0;
}

/* ---- publishing, on the caller's thread ---- */

static int publish_row(struct row_loader *loader, struct loaded_row *row, struct err *err)
{
    struct row_loader_totals *totals = &loader->totals;
    int64_t change = 0;

    if (row->id > totals->last_ids[row->table]) {
        totals->last_ids[row->table] = row->id;
    }
    if (table_publish(loader->in.tables[row->table], row->id, row->version, loader->in.reclaim, &change, err) != 0) {
        return -1;
    }
    row->version = NULL;
    totals->live_bytes += change;
    totals->records++;
    return 0;
}

static void task_clear(struct task *task)
{
    for (size_t i = 0; i < task->row_count; i++) {
        store_version_unref(task->rows[i].version);
    }
    read_buffer_unhold(task->buffer);
    task->buffer = NULL;
    task->done = false;
    task->run_count = 0;
    task->records = 0;
    task->bytes = 0;
    task->row_count = 0;
}

static int publish_task(struct row_loader *loader, struct task *task, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < task->row_count && result == 0; i++) {
        result = publish_row(loader, &task->rows[i], err);
    }
    if (result == 0 && task->result != 0) {
        *err = task->err;
        result = -1;
    }
    task_clear(task);
    loader->published++;
    if (result != 0) {
        loader->failed = true;
        loader->failure = *err;
    }
    return result;
}

/* Brings the oldest task on: publishes it, or decodes one, or waits for a helper. */
static int advance(struct row_loader *loader, struct err *err)
{
    struct task *oldest = &loader->tasks[loader->published % TASKS];
    struct task *mine = NULL;
    bool done;

    pthread_mutex_lock(&loader->mutex);
    if (!oldest->done && loader->taken < loader->submitted) {
        mine = &loader->tasks[loader->taken++ % TASKS];
    }
    while (!mine && !oldest->done) {
        pthread_cond_wait(&loader->done, &loader->mutex);
    }
    done = oldest->done;
    pthread_mutex_unlock(&loader->mutex);
    if (done) {
        return publish_task(loader, oldest, err);
    }
    decode_task(loader, mine, &loader->decoder);
    return 0;
}

static bool is_oldest_done(struct row_loader *loader)
{
    bool done;

    pthread_mutex_lock(&loader->mutex);
    done = loader->tasks[loader->published % TASKS].done;
    pthread_mutex_unlock(&loader->mutex);
    return done;
}

/* Gives the task being filled away; there is a free one behind it on return. */
static int submit(struct row_loader *loader, struct err *err)
{
    if (!loader->helpers_tried && loader->bytes > HELPED_BYTES) {
        start_helpers(loader);
    }
    pthread_mutex_lock(&loader->mutex);
    loader->submitted++;
    pthread_mutex_unlock(&loader->mutex);
    call_helper(loader);
    while (loader->published < loader->submitted &&
           (loader->submitted - loader->published == TASKS || loader->helper_count == 0 || is_oldest_done(loader))) {
        if (advance(loader, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int reserve_rows(struct task *task, size_t count, struct err *err)
{
    struct loaded_row *rows;

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

int row_loader_add(struct row_loader *loader, const struct row_run *run, struct read_buffer *buffer, struct err *err)
{
    struct task *task = &loader->tasks[loader->submitted % TASKS];
    /* A count that the bytes cannot hold ends the decoding before it is reached. */
    size_t records = run->records.size / WAL_RECORD_HEADER_BYTES;

    records = run->record_count < records ? run->record_count : records;
    if (task->run_count == TASK_RUNS_MAX || (task->run_count > 0 && task->buffer != buffer) ||
        task->bytes >= TASK_BYTES) {
        if (submit(loader, err) != 0) {
            return -1;
        }
        task = &loader->tasks[loader->submitted % TASKS];
    }
    if (reserve_rows(task, (size_t)task->records + records, err) != 0) {
        return -1;
    }
    if (task->run_count == 0) {
        task->buffer = read_buffer_hold(buffer);
    }
    task->runs[task->run_count++] = *run;
    task->records += records;
    task->bytes += run->records.size;
    loader->bytes += run->records.size;
    return 0;
}

/* What is behind a failure is not to be decoded any more. */
static int give_up(struct row_loader *loader, struct err *err)
{
    stop_helpers(loader);
    for (uint32_t i = 0; i < TASKS; i++) {
        task_clear(&loader->tasks[i]);
    }
    *err = loader->failure;
    return -1;
}

int row_loader_finish(struct row_loader *loader, struct err *err)
{
    int result = loader->failed ? -1 : 0;

    if (result == 0 && loader->tasks[loader->submitted % TASKS].run_count > 0) {
        result = submit(loader, err);
    }
    while (result == 0 && loader->published < loader->submitted) {
        result = advance(loader, err);
    }
    return result == 0 ? 0 : give_up(loader, err);
}

void row_loader_destroy(struct row_loader *loader)
{
    if (!loader) {
        return;
    }
    stop_helpers(loader);
    for (uint32_t i = 0; i < TASKS; i++) {
        task_clear(&loader->tasks[i]);
        free(loader->tasks[i].rows);
    }
    wal_record_decoder_deinit(&loader->decoder);
    pthread_cond_destroy(&loader->done);
    pthread_mutex_destroy(&loader->mutex);
    free(loader);
}

const struct row_loader_totals *row_loader_totals(const struct row_loader *loader)
{
    return &loader->totals;
}
