#include "job/schedule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_decode.h"
#include "job/job_image.h"
#include "job/siphash.h"

/* As many ended jobs are read at a start. */
#define RECALLED_MAX 1000

/* ---- asking ---- */

static bool same_ask(const struct job *left, const struct job *right)
{
    return left->owner == right->owner && left->ask.pool_count == right->ask.pool_count &&
           memcmp(left->ask.pools, right->ask.pools, left->ask.pool_count * sizeof *left->ask.pools) == 0;
}

/* Of jobs that are alike the oldest goes first by every policy. */
static bool are_alike(struct job *const *window, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (!same_ask(window[0], window[i])) {
            return false;
        }
    }
    return true;
}

static size_t gather_window(const struct controller *controller, struct job *window[SCHEDULE_WINDOW])
{
    size_t count = 0;

    for (struct job *job = controller->queue_first; job && count < SCHEDULE_WINDOW; job = job->queue_next) {
        window[count++] = job;
    }
    return count;
}

static int compare_runs(const void *left, const void *right)
{
    int64_t left_ns = ((const struct schedule_run *)left)->end_ns;
    int64_t right_ns = ((const struct schedule_run *)right)->end_ns;

    return (left_ns > right_ns) - (left_ns < right_ns);
}

static int64_t forecast(const struct controller *controller, const struct job *job)
{
    int64_t known = run_history_forecast(controller->run_history, job->kind);

    return job->timeout_ns > 0 && job->timeout_ns < known ? job->timeout_ns : known;
}

static int64_t add_forecast(int64_t from_ns, int64_t forecast_ns)
{
    int64_t end_ns;

    return forecast_ns == INT64_MAX || __builtin_add_overflow(from_ns, forecast_ns, &end_ns) ? INT64_MAX : end_ns;
}

static size_t gather_runs(const struct controller *controller, const struct resources *total,
                          struct schedule_run runs[SCHEDULE_RUNS_MAX])
{
    size_t count = 0;

    for (const struct job *job = controller->holder_first; job && count < SCHEDULE_RUNS_MAX; job = job->holder_next) {
        struct schedule_run *run = &runs[count];
        int64_t start = job->start_time_unix_ns != 0 ? job->start_time_unix_ns : controller->turn.now_unix_ns;

        if (resources_place(total, &job->ask, &run->held)) {
            run->end_ns = add_forecast(start, forecast(controller, job));
            count++;
        }
    }
    qsort(runs, count, sizeof runs[0], compare_runs);
    return count;
}

static size_t ask_policy(const struct controller *controller, struct job *const *window, size_t count)
{
    struct schedule_job jobs[SCHEDULE_WINDOW];
    struct schedule_run runs[SCHEDULE_RUNS_MAX];
    struct schedule_view view = {.now_ns = controller->turn.now_unix_ns,
                                 .patience_ns = controller->options.schedule_patience_ns,
                                 .total = capacity_total(controller->capacity),
                                 .free = capacity_free(controller->capacity),
                                 .runs = runs,
                                 .jobs = jobs,
                                 .job_count = count};

    view.run_count = gather_runs(controller, &view.total, runs);
    for (size_t i = 0; i < count; i++) {
        const struct job *job = window[i];

        jobs[i] = (struct schedule_job){
            .ask = &job->ask,
            .queue_time_ns = job->execution.queue_time_unix_ns,
            .forecast_ns = forecast(controller, job),
            .owner_usage = run_history_usage(controller->run_history, job->owner, controller->turn.now_unix_ns)};
    }
    return controller->options.schedule_policy->next(&view);
}

struct job *schedule_next(struct controller *controller)
{
    struct job *window[SCHEDULE_WINDOW];
    const struct resources free = capacity_free(controller->capacity);
    size_t count = gather_window(controller, window);
    struct resources need;
    size_t next;

    if (count == 0) {
        return NULL;
    }
    if (controller->options.schedule_policy == &schedule_fifo || are_alike(window, count)) {
        return resources_place(&free, &window[0]->ask, &need) ? window[0] : NULL;
    }
    controller->schedule_was_asked = true;
    next = ask_policy(controller, window, count);
    return next == SCHEDULE_NONE ? NULL : window[next];
}

/* ---- what jobs are alike ---- */

static const uint64_t hash_key[2] = {UINT64_C(0x6a6f622d6b696e64), UINT64_C(0x72756e2d74696d65)};

static uint64_t end_hash(struct siphash *hash)
{
    uint64_t digest[2];

    siphash_end(hash, digest);
    return digest[0] != 0 ? digest[0] : 1;
}

/* "train-20240102-7" and "train-20240103-12" are one kind. */
static void add_without_digits(struct siphash *hash, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit((unsigned char)text.data[i])) {
            siphash_add(hash, &text.data[i], 1);
        }
    }
}

static uint64_t kind_of(const struct job *job, const API(CustomJob) * msg)
{
    const char *parent_end = strstr(job->name, "/customJobs/");
    struct siphash hash;

    siphash_begin(&hash, hash_key);
    siphash_add(&hash, job->name, parent_end ? (size_t)(parent_end - job->name) + 1 : 0);
    add_without_digits(&hash, api_span(API(CustomJob_display_name)(msg)));
    siphash_add(&hash, job->ask.pools, job->ask.pool_count * sizeof *job->ask.pools);
    return end_hash(&hash);
}

static uint64_t owner_of(const struct controller *controller, const API(CustomJob) * msg)
{
    const char *label = controller->options.fair_share_label;
    upb_StringView value;
    struct siphash hash;

    if (!label || !API(CustomJob_labels_get)(msg, upb_StringView_FromString(label), &value)) {
        return 0;
    }
    siphash_begin(&hash, hash_key);
    siphash_add(&hash, value.data, value.size);
    return end_hash(&hash);
}

void schedule_read(const struct controller *controller, struct job *job, const API(CustomJob) * msg)
{
    job->kind = kind_of(job, msg);
    job->owner = owner_of(controller, msg);
}

/* ---- remembering ---- */

static struct past_run past_run_of(const struct controller *controller, const struct job *job)
{
    const struct resources total = capacity_total(controller->capacity);

    return (struct past_run){.kind = job->kind,
                             .owner = job->owner,
                             .part = schedule_part(&total, &job->ask),
                             .start_unix_ns = job->start_time_unix_ns,
                             .end_unix_ns = job->end_time_unix_ns,
                             .has_succeeded = job->state == JOB_STATE_SUCCEEDED};
}

void schedule_note(struct controller *controller, const struct job *job)
{
    struct past_run run = past_run_of(controller, job);

    run_history_note(controller->run_history, &run);
}

static bool has_ended(void *context, const struct store_version *version)
{
    (void)context;
    return job_state_is_terminal((enum job_state)store_version_state(version)) && !store_version_is_locked(version);
}

/* A job of the past is read as one that lives. One that cannot be read tells nothing: false. */
static bool recall(struct controller *controller, const struct store_version *version, struct past_run *ret_run)
{
    struct span image = store_version_value(version);
    upb_Arena *arena = upb_Arena_New();
    struct store_keys keys;
    struct job job = {.name = NULL};
    struct job_outputs outputs;
    const API(CustomJob) *msg = NULL;
    struct err ignored = ERR_INIT;
    struct span spec;
    bool is_read = false;

    store_version_keys(version, &keys);
    job.name = span_copy_text(keys.name);
    if (arena && job.name && job_image_split(image, &outputs, &spec, &ignored) == 0 &&
        job_decode(image, arena, &msg, &ignored) == 0 && admit_read(controller, &job, msg, NULL, NULL, &ignored) == 0) {
        job.state = (enum job_state)outputs.state;
        job.start_time_unix_ns = outputs.start_time_unix_ns;
        job.end_time_unix_ns = outputs.end_time_unix_ns;
        *ret_run = past_run_of(controller, &job);
        is_read = true;
    }
    free(job.ask.pools);
    free(job.name);
    if (arena) {
        upb_Arena_Free(arena);
    }
    return is_read;
}

static int compare_ends(const void *left, const void *right)
{
    int64_t left_ns = ((const struct past_run *)left)->end_unix_ns;
    int64_t right_ns = ((const struct past_run *)right)->end_unix_ns;

    return (left_ns > right_ns) - (left_ns < right_ns);
}

/* In the order of their ends, as they were noted when they ended: a mean that forgets depends on it. */
static void recall_all(struct controller *controller, const struct store_page *page, struct past_run *runs)
{
    size_t count = 0;

    for (uint32_t i = page->count; i > 0; i--) {
        count += recall(controller, page->versions[i - 1], &runs[count]);
    }
    qsort(runs, count, sizeof runs[0], compare_ends);
    for (size_t i = 0; i < count; i++) {
        run_history_note(controller->run_history, &runs[i]);
    }
}

int schedule_recall(struct controller *controller, struct err *err)
{
    const struct store_query query = {
        .table = STORE_TABLE_JOB, .match = has_ended, .count_max = RECALLED_MAX, .bytes_max = UINT64_MAX};
    struct store_page page = {.count = 0};
    struct past_run *runs;

    if (controller->options.schedule_policy == &schedule_fifo) {
        return 0;
    }
    if (store_list(controller->options.store, &query, &page, err)) {
        return -1;
    }
    runs = calloc((size_t)page.count + 1, sizeof *runs);
    if (!runs) {
        store_page_release(&page);
        return err_set(err, ERR_EXHAUSTED, "no memory for what %d jobs have taken", RECALLED_MAX);
    }
    recall_all(controller, &page, runs);
    store_page_release(&page);
    free(runs);
    return 0;
}
