#include "storage/snapshot_task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "storage/reclaim.h"
#include "storage/version.h"
#include "storage/worker.h"

/* Rows taken in one section: it ends before anything is written. */
#define GATHER_ROWS 256

struct snapshot_task {
    struct worker_job job; /* first */
    struct snapshot_task_options options;
    struct worker *worker;     /* NULL before the first snapshot */
    struct snapshot_head head; /* of the running one; set before it is posted */
    struct manifest manifest;
    uint64_t old_lsn; /* of the snapshot that MANIFEST has named so far; 0: none */
    _Atomic uint64_t durable_lsn;
    _Atomic int cancelled;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    enum snapshot_task_state state; /* below: under mutex */
    struct err err;
};

struct gathered {
    struct store_version *versions[GATHER_ROWS];
    size_t count;
};

struct snapshot_task *snapshot_task_create(const struct snapshot_task_options *options)
{
    struct snapshot_task *task = calloc(1, sizeof *task);

    if (task) {
        task->options = *options;
        pthread_mutex_init(&task->mutex, NULL);
        pthread_cond_init(&task->ended, NULL);
    }
    return task;
}

void snapshot_task_destroy(struct snapshot_task *task)
{
    if (!task) {
        return;
    }
    atomic_store_explicit(&task->cancelled, 1, memory_order_relaxed);
    worker_destroy(task->worker);
    pthread_cond_destroy(&task->ended);
    pthread_mutex_destroy(&task->mutex);
    free(task);
}

void snapshot_task_note_durable(struct snapshot_task *task, uint64_t lsn)
{
    atomic_store_explicit(&task->durable_lsn, lsn, memory_order_release);
}

static bool gather(void *context, struct store_version *version)
{
    struct gathered *gathered = context;

    gathered->versions[gathered->count++] = store_version_ref(version);
    return gathered->count < GATHER_ROWS;
}

static int add_version(const struct snapshot_task *task, struct snapshot_writer *writer, uint32_t table,
                       const struct store_version *version, struct err *err)
{
    struct wal_row row = {.table = table, .id = store_version_id(version), .value = store_version_value(version)};
    struct row_wish wish = {.key_name = version_seal_key(version), .carried = version_carried(version)};
    char outline[ROW_SEAL_OUTLINE_BYTES_MAX];

    if (wish.key_name.size == 0 && wish.carried.size == 0 && !task->options.store_key) {
        return snapshot_writer_add(writer, &row, NULL, err);
    }
    if (wish.key_name.size > 0 && wish.carried.size == 0 && task->options.outline) {
        size_t size = task->options.outline((enum store_table)table, row.value, outline, sizeof outline);

        wish.outline = span_make(outline, size);
    }
    return snapshot_writer_add(writer, &row, &wish, err);
}

static int add_gathered(const struct snapshot_task *task, struct snapshot_writer *writer, uint32_t table,
                        struct gathered *gathered, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < gathered->count; i++) {
        if (result == 0) {
            result = add_version(task, writer, table, gathered->versions[i], err);
        }
        store_version_unref(gathered->versions[i]);
    }
    return result;
}

static int write_table(struct snapshot_task *task, struct snapshot_writer *writer, uint32_t table, struct err *err)
{
    struct gathered gathered = {.count = 0};
    uint64_t after = 0;
    bool more = true;

    while (more) {
        if (atomic_load_explicit(&task->cancelled, memory_order_relaxed)) {
            return err_set(err, ERR_UNAVAILABLE, "the store is being closed");
        }
        gathered.count = 0;
        reclaim_enter();
        more = table_scan_up(task->options.tables[table], &after, GATHER_ROWS, gather, &gathered);
        reclaim_leave();
        more = more || gathered.count == GATHER_ROWS;
        if (add_gathered(task, writer, table, &gathered, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int write_rows(struct snapshot_task *task, struct snapshot_writer *writer, struct err *err)
{
    for (uint32_t table = 1; table < STORE_TABLE_COUNT; table++) {
        if (write_table(task, writer, table, err) != 0) {
            return -1;
        }
    }
    /* Whatever was seen was durable before it was published. */
    return snapshot_writer_finish(writer, atomic_load_explicit(&task->durable_lsn, memory_order_acquire), err);
}

/* Here, since a file system may take a tenth of a second for it. The next start removes what stays. */
static void remove_old(const struct snapshot_task *task)
{
    struct data_dir_path path = data_dir_snapshot(task->options.dir, task->old_lsn);
    struct err ignored = ERR_INIT;

    if (task->old_lsn != 0) {
        (void)task->options.fs->remove(task->options.fs, path.text, &ignored);
    }
}

static int write_file(struct snapshot_task *task, struct row_sealer *sealer, struct err *err)
{
    struct snapshot_writer *writer;
    int result;

    if (snapshot_writer_open(task->options.fs, task->options.dir, &task->head, sealer, &writer, err) != 0) {
        return -1;
    }
    result = write_rows(task, writer, err);
    snapshot_writer_close(writer);
    return result;
}

static int write_snapshot(struct snapshot_task *task, struct err *err)
{
    struct row_sealer *sealer;
    int result;

    if (row_sealer_create(task->options.keys, task->options.store_key, WAL_SEAL_IN_SNAPSHOT, &sealer, err) != 0) {
        return -1;
    }
    result = write_file(task, sealer, err);
    row_sealer_destroy(sealer);
    if (result != 0 || manifest_write(task->options.fs, task->options.dir, &task->manifest, err) != 0) {
        return -1;
    }
    remove_old(task);
    return 0;
}

static void run(struct worker_job *job)
{
    struct snapshot_task *task = (struct snapshot_task *)job;
    struct err err = ERR_INIT;
    int result;

    reclaim_register_reader();
    result = write_snapshot(task, &err);
    reclaim_unregister_reader();
    pthread_mutex_lock(&task->mutex);
    task->state = result == 0 ? SNAPSHOT_TASK_DONE : SNAPSHOT_TASK_FAILED;
    task->err = err;
    pthread_cond_broadcast(&task->ended);
    pthread_mutex_unlock(&task->mutex);
}

int snapshot_task_start(struct snapshot_task *task, const struct snapshot_head *head, uint64_t first_segment,
                        uint64_t old_lsn, struct err *err)
{
    if (!task->worker && worker_create("store-snapshot", &task->worker, err) != 0) {
        return -1;
    }
    task->head = *head;
    memcpy(task->manifest.store_uuid, head->store_uuid, WAL_ID_BYTES);
    task->manifest.snapshot_lsn = head->lsn;
    task->manifest.first_segment = first_segment;
    task->old_lsn = old_lsn;
    pthread_mutex_lock(&task->mutex);
    task->state = SNAPSHOT_TASK_RUNNING;
    pthread_mutex_unlock(&task->mutex);
    task->job.run = run;
    worker_post(task->worker, &task->job);
    return 0;
}

enum snapshot_task_state snapshot_task_state(struct snapshot_task *task)
{
    enum snapshot_task_state state;

    pthread_mutex_lock(&task->mutex);
    state = task->state;
    pthread_mutex_unlock(&task->mutex);
    return state;
}

void snapshot_task_wait(struct snapshot_task *task)
{
    pthread_mutex_lock(&task->mutex);
    while (task->state == SNAPSHOT_TASK_RUNNING) {
        pthread_cond_wait(&task->ended, &task->mutex);
    }
    pthread_mutex_unlock(&task->mutex);
}

int snapshot_task_take(struct snapshot_task *task, struct manifest *ret_manifest, struct err *err)
{
    int result = -1;

    pthread_mutex_lock(&task->mutex);
    if (task->state == SNAPSHOT_TASK_DONE) {
        *ret_manifest = task->manifest;
        result = 0;
    } else {
        *err = task->err;
    }
    task->state = SNAPSHOT_TASK_IDLE;
    pthread_mutex_unlock(&task->mutex);
    return result;
}
