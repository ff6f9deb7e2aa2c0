#include "storage/row_loader.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "storage/version.h"
#include "storage/wal_record.h"
#include "storage/worker.h"

#define TASKS 8u
/* More would wait for the one that publishes. */
#define HELPERS_MAX 3u
#define PREFETCH_ROWS 16
/* Helpers are not worth their start for less. */
#define HELPED_BYTES (4u * 1024 * 1024)

struct helper {
    struct worker_job job; /* first */
    struct row_loader *loader;
    struct worker *worker;
    struct row_decoding decoding;
    bool posted; /* under the mutex: it takes what is there until nothing is */
};

struct row_loader {
    struct row_loader_input in;
    struct row_loader_totals totals;
    struct row_decoding decoding; /* of the caller's thread */
    uint64_t bytes;               /* added so far */
    uint64_t published;           /* tasks[published % TASKS] is the oldest that is not */
    struct helper helpers[HELPERS_MAX];
    uint32_t helper_count;
    bool helpers_tried;
    bool failed; /* to publish; with failure */
    struct err failure;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    uint64_t submitted; /* below: under mutex; tasks[submitted % TASKS] is being filled; the caller alone writes it */
    uint64_t taken;
    struct row_task tasks[TASKS];
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

static void decode_task(struct row_loader *loader, struct row_task *task, struct row_decoding *decoding)
{
    row_task_decode(task, &loader->in, decoding);
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
        struct row_task *task = &loader->tasks[loader->taken++ % TASKS];

        pthread_mutex_unlock(&loader->mutex);
        decode_task(loader, task, &helper->decoding);
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
        row_decoding_deinit(&loader->helpers[i].decoding);
    }
    loader->helper_count = 0;
}

/* ---- publishing, on the caller's thread ---- */

static int publish_row(struct row_loader *loader, struct row_loaded *row, struct err *err)
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

static void add_seals(struct row_seals *totals, const struct row_seals *seals)
{
    totals->whole = totals->whole || seals->whole;
    totals->locked = totals->locked || seals->locked;
    totals->other = totals->other || seals->other;
    totals->runs = totals->runs > seals->runs ? totals->runs : seals->runs;
}

/* What was decoded on another core lies in its cache, and the cells of ids anywhere: they are asked for some rows ahead. */
static void prefetch(const struct row_loader *loader, const struct row_task *task, size_t row)
{
    if (row + PREFETCH_ROWS < task->row_count) {
        const struct row_loaded *later = &task->rows[row + PREFETCH_ROWS];

        table_prefetch(loader->in.tables[later->table], later->id);
        if (later->version) {
            version_prefetch(later->version);
        }
        version_prefetch_keys(task->rows[row + PREFETCH_ROWS / 2].version);
    }
}

static int publish_task(struct row_loader *loader, struct row_task *task, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < task->row_count && result == 0; i++) {
        prefetch(loader, task, i);
        result = publish_row(loader, &task->rows[i], err);
    }
    add_seals(&loader->totals.seals, &task->seals);
    if (result == 0 && task->result != 0) {
        *err = task->err;
        result = -1;
    }
    row_task_clear(task);
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
    struct row_task *oldest = &loader->tasks[loader->published % TASKS];
    struct row_task *mine = NULL;
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
    decode_task(loader, mine, &loader->decoding);
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

int row_loader_add(struct row_loader *loader, const struct row_run *run, struct read_buffer *buffer, struct err *err)
{
    struct row_task *task = &loader->tasks[loader->submitted % TASKS];

    if (!row_task_takes(task, buffer)) {
        if (submit(loader, err) != 0) {
            return -1;
        }
        task = &loader->tasks[loader->submitted % TASKS];
    }
    if (row_task_add(task, run, buffer, err) != 0) {
        return -1;
    }
    loader->bytes += run->records.size;
    return 0;
}

/* What is behind a failure is not to be decoded any more. */
static int give_up(struct row_loader *loader, struct err *err)
{
    stop_helpers(loader);
    for (uint32_t i = 0; i < TASKS; i++) {
        row_task_clear(&loader->tasks[i]);
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
        row_task_deinit(&loader->tasks[i]);
    }
    row_decoding_deinit(&loader->decoding);
    pthread_cond_destroy(&loader->done);
    pthread_mutex_destroy(&loader->mutex);
    free(loader);
}

const struct row_loader_totals *row_loader_totals(const struct row_loader *loader)
{
    return &loader->totals;
}
