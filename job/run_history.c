#include "job/run_history.h"

#include <stdlib.h>

struct kind {
    uint64_t hash; /* 0: none */
    int64_t mean_ns;
};

struct owner {
    uint64_t hash; /* 0: none */
    double used;
    int64_t at_unix_ns;
};

struct run_history {
    struct kind kinds[RUN_HISTORY_SLOTS];
    struct owner owners[RUN_HISTORY_SLOTS];
};

int run_history_create(struct run_history **ret_history, struct err *err)
{
    struct run_history *history = calloc(1, sizeof *history);

    if (!history) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a history of runs");
    }
    *ret_history = history;
    return 0;
}

void run_history_destroy(struct run_history *history)
{
    free(history);
}

/* Halves, and between two halvings a straight line: nearly the curve, and the same on every machine. */
static double decay(double used, int64_t passed_ns)
{
    int64_t halves;

    if (passed_ns <= 0) {
        return used;
    }
    for (halves = passed_ns / RUN_HISTORY_HALF_LIFE_NS; halves > 0 && used > 0; halves--) {
        used = halves > 1100 ? 0 : used / 2;
    }
    return used * (1 - (double)(passed_ns % RUN_HISTORY_HALF_LIFE_NS) / (2.0 * (double)RUN_HISTORY_HALF_LIFE_NS));
}

static void note_kind(struct run_history *history, uint64_t hash, int64_t took_ns)
{
    struct kind *kind = &history->kinds[hash % RUN_HISTORY_SLOTS];

    kind->mean_ns = kind->hash == hash ? kind->mean_ns / 2 + took_ns / 2 : took_ns;
    kind->hash = hash;
}

static void note_owner(struct run_history *history, const struct past_run *run, int64_t took_ns)
{
    struct owner *owner = &history->owners[run->owner % RUN_HISTORY_SLOTS];

    owner->used = owner->hash == run->owner ? decay(owner->used, run->end_unix_ns - owner->at_unix_ns) : 0;
    owner->used += (double)run->part * (double)took_ns;
    owner->hash = run->owner;
    owner->at_unix_ns = run->end_unix_ns;
}

void run_history_note(struct run_history *history, const struct past_run *run)
{
    int64_t took_ns = run->end_unix_ns - run->start_unix_ns;

    if (run->start_unix_ns == 0 || took_ns < 0) {
        return; /* it never ran */
    }
    if (run->has_succeeded && run->kind != 0) {
        note_kind(history, run->kind, took_ns);
    }
    if (run->owner != 0) {
        note_owner(history, run, took_ns);
    }
}

int64_t run_history_forecast(const struct run_history *history, uint64_t kind)
{
    const struct kind *found = &history->kinds[kind % RUN_HISTORY_SLOTS];

    return kind != 0 && found->hash == kind ? found->mean_ns : INT64_MAX;
}

double run_history_usage(const struct run_history *history, uint64_t owner, int64_t now_unix_ns)
{
    const struct owner *found = &history->owners[owner % RUN_HISTORY_SLOTS];

    return owner != 0 && found->hash == owner ? decay(found->used, now_unix_ns - found->at_unix_ns) : 0;
}
