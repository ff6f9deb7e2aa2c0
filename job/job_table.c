#include "job/job_table.h"

#include <stdlib.h>
#include <string.h>

#include "job/job_name.h"

struct job_table {
    struct job **buckets;
    unsigned bits; /* of the number of buckets */
    size_t count;
};

int job_table_create(struct job_table **ret_table, struct err *err)
{
    struct job_table *table = calloc(1, sizeof *table);

    if (table) {
        table->bits = 8;
        table->buckets = calloc((size_t)1 << table->bits, sizeof(struct job *));
    }
    if (!table || !table->buckets) {
        free(table);
        return err_set(err, ERR_EXHAUSTED, "no memory for a table of jobs");
    }
    *ret_table = table;
    return 0;
}

static void job_free(struct job *job)
{
    free(job->name);
    free(job->error.message);
    free(job->ask.pools);
    execution_deinit(&job->execution);
    operation_destroy(job->cancel_operation);
    operation_destroy(job->delete_operation);
    blob_unref(job->new_image);
    job_plan_destroy(job->plan);
    free(job);
}

void job_table_destroy(struct job_table *table)
{
    if (!table) {
        return;
    }
    for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
        while (table->buckets[i]) {
            struct job *job = table->buckets[i];

            table->buckets[i] = job->next_in_bucket;
            job_free(job);
        }
    }
    free(table->buckets);
    free(table);
}

static struct job **bucket_of(const struct job_table *table, uint64_t id)
{
    return &table->buckets[(id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - table->bits)];
}

/* Without memory the chains just get longer. */
static void grow(struct job_table *table)
{
    struct job_table larger = {.bits = table->bits + 1, .count = table->count};

    larger.buckets = calloc((size_t)1 << larger.bits, sizeof(struct job *));
    if (!larger.buckets) {
        return;
    }
    for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
        struct job *job = table->buckets[i];

        while (job) {
            struct job *next = job->next_in_bucket;
            struct job **bucket = bucket_of(&larger, job->id);

            job->next_in_bucket = *bucket;
            *bucket = job;
            job = next;
        }
    }
    free(table->buckets);
    *table = larger;
}

struct job *job_table_add(struct job_table *table, uint64_t id, struct span name)
{
    struct job *job = calloc(1, sizeof *job);
    struct job **bucket;

    if (job) {
        job->name = span_copy_text(name);
    }
    if (!job || !job->name) {
        free(job);
        return NULL;
    }
    if (table->count >= (size_t)1 << table->bits) {
        grow(table);
    }
    bucket = bucket_of(table, id);
    job->id = id;
    job->next_in_bucket = *bucket;
    *bucket = job;
    table->count++;
    return job;
}

struct job *job_table_find(const struct job_table *table, uint64_t id)
{
    struct job *job = *bucket_of(table, id);

    while (job && job->id != id) {
        job = job->next_in_bucket;
    }
    return job;
}

struct job *job_table_find_name(const struct job_table *table, struct span name)
{
    struct job *job = job_table_find(table, job_name_last_id(name));

    return job && span_equal_text(name, job->name) ? job : NULL;
}

void job_table_remove(struct job_table *table, struct job *job)
{
    struct job **link = bucket_of(table, job->id);

    while (*link != job) {
        link = &(*link)->next_in_bucket;
    }
    *link = job->next_in_bucket;
    table->count--;
    job_free(job);
}

size_t job_table_count(const struct job_table *table)
{
    return table->count;
}

int job_table_visit(const struct job_table *table, job_visit_fn visit, void *context, struct err *err)
{
    for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
        for (struct job *job = table->buckets[i]; job; job = job->next_in_bucket) {
            if (visit(context, job, err)) {
                return -1;
            }
        }
    }
    return 0;
}
