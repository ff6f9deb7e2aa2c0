#include "job/retention.h"

#include <stdlib.h>

#define CAPACITY_MIN 256
/* Places looked at with each change while a heap is mostly rows that are no more. */
#define PROBES 2
/* So many of those are not worth a look. */
#define GONE_FREE 1024

struct entry {
    int64_t end_unix_ns;
    uint64_t id;
};

struct heap {
    struct entry *entries; /* a parent ends before its children */
    size_t count;
    size_t capacity;
    uint64_t there; /* rows of those that have not been deleted */
    size_t probe;   /* the place looked at next */
};

struct retention {
    struct retention_options options;
    struct heap heaps[2];
};

int retention_create(const struct retention_options *options, struct retention **ret_retention, struct err *err)
{
    struct retention *retention = calloc(1, sizeof *retention);

    if (!retention) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the retention of jobs");
    }
    retention->options = *options;
    *ret_retention = retention;
    return 0;
}

void retention_destroy(struct retention *retention)
{
    if (retention) {
        free(retention->heaps[0].entries);
        free(retention->heaps[1].entries);
        free(retention);
    }
}

bool retention_is_on(const struct retention *retention)
{
    return retention->options.age_ns > 0 || retention->options.count_max > 0;
}

static struct heap *heap_of(struct retention *retention, enum store_table table)
{
    return &retention->heaps[table == STORE_TABLE_OPERATION];
}

static void sift_up(struct heap *heap, size_t at)
{
    struct entry entry = heap->entries[at];

    while (at > 0 && heap->entries[(at - 1) / 2].end_unix_ns > entry.end_unix_ns) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = entry;
}

static void sift_down(struct heap *heap, size_t at)
{
    struct entry entry = heap->entries[at];

    for (size_t child = 2 * at + 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && heap->entries[child + 1].end_unix_ns < heap->entries[child].end_unix_ns) {
            child++;
        }
        if (heap->entries[child].end_unix_ns >= entry.end_unix_ns) {
            break;
        }
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    heap->entries[at] = entry;
}

static int resize(struct heap *heap, size_t capacity, struct err *err)
{
    struct entry *entries = realloc(heap->entries, capacity * sizeof *entries);

    if (!entries) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the retention of %zu rows", capacity);
    }
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

static void remove_at(struct heap *heap, size_t at)
{
    struct err ignored = ERR_INIT;

    heap->count--;
    if (at < heap->count) {
        heap->entries[at] = heap->entries[heap->count];
        sift_down(heap, at);
        sift_up(heap, at);
    }
    if (heap->capacity > CAPACITY_MIN && heap->count < heap->capacity / 4) {
        (void)resize(heap, heap->capacity / 2, &ignored); /* kept large, when there is no memory to make it small */
    }
}

static void probe(struct retention *retention, enum store_table table)
{
    struct heap *heap = heap_of(retention, table);

    for (int i = 0; i < PROBES && heap->count > 2 * heap->there + GONE_FREE; i++) {
        heap->probe = heap->probe < heap->count ? heap->probe : 0;
        if (retention->options.is_gone(retention->options.context, table, heap->entries[heap->probe].id)) {
            remove_at(heap, heap->probe);
        } else {
            heap->probe++;
        }
    }
}

int retention_add(struct retention *retention, enum store_table table, uint64_t id, int64_t end_unix_ns,
                  struct err *err)
{
    struct heap *heap = heap_of(retention, table);

    if (!retention_is_on(retention)) {
        return 0;
    }
    if (heap->count == heap->capacity &&
        resize(heap, heap->capacity > 0 ? 2 * heap->capacity : CAPACITY_MIN, err) != 0) {
        return -1;
    }
    heap->entries[heap->count] = (struct entry){end_unix_ns, id};
    heap->count++;
    heap->there++;
    sift_up(heap, heap->count - 1);
    probe(retention, table);
    return 0;
}

void retention_note_deleted(struct retention *retention, enum store_table table)
{
    if (retention_is_on(retention)) {
        heap_of(retention, table)->there--;
        probe(retention, table);
    }
}

/* When the oldest is to go, if it is there. */
static int64_t due_ns(const struct retention *retention, const struct heap *heap)
{
    const struct retention_options *options = &retention->options;
    int64_t due;

    if (heap->count == 0) {
        return INT64_MAX;
    }
    if (options->count_max > 0 && heap->there > options->count_max) {
        return INT64_MIN;
    }
    if (options->age_ns == 0 || __builtin_add_overflow(heap->entries[0].end_unix_ns, options->age_ns, &due)) {
        return INT64_MAX;
    }
    return due;
}

uint64_t retention_take(struct retention *retention, enum store_table table, int64_t now_unix_ns)
{
    struct heap *heap = heap_of(retention, table);

    while (due_ns(retention, heap) <= now_unix_ns) {
        uint64_t id = heap->entries[0].id;
        bool is_gone = retention->options.is_gone(retention->options.context, table, id);

        remove_at(heap, 0);
        if (!is_gone) {
            heap->there--;
            return id;
        }
    }
    return 0;
}

int64_t retention_next_ns(const struct retention *retention, enum store_table table)
{
    return due_ns(retention, &retention->heaps[table == STORE_TABLE_OPERATION]);
}

uint64_t retention_remembered(const struct retention *retention, enum store_table table)
{
    return retention->heaps[table == STORE_TABLE_OPERATION].count;
}
