#include "storage/row_columns.h"

#include <stdatomic.h>
#include <stdlib.h>

#define RING_ROWS 128u
#define SPANS (BLOCK_ROWS / ROW_SPAN)
#define SPAN_WORDS (ROW_SPAN / 64)

struct row_columns {
    _Atomic(struct row_set *) states[ROW_STATES]; /* NULL: never occurred */
    _Atomic uint32_t state_counts[ROW_STATES];
    _Atomic int64_t earliest_unix_ns[SPANS];
    _Atomic int64_t latest_unix_ns[SPANS];
    _Atomic uint64_t changes; /* noted, ever */
    _Atomic uint16_t changed[RING_ROWS];
};

struct row_columns *row_columns_create(void)
{
    struct row_columns *columns = calloc(1, sizeof *columns);

    for (uint32_t i = 0; columns && i < SPANS; i++) {
        atomic_init(&columns->earliest_unix_ns[i], INT64_MAX);
        atomic_init(&columns->latest_unix_ns[i], INT64_MIN);
    }
    return columns;
}

void row_columns_destroy(struct row_columns *columns)
{
    for (uint32_t state = 0; columns && state < ROW_STATES; state++) {
        free(atomic_load_explicit(&columns->states[state], memory_order_relaxed));
    }
    free(columns);
}

/* ---- states ---- */

static void count_state(struct row_columns *columns, uint32_t state, uint32_t change)
{
    uint32_t count = atomic_load_explicit(&columns->state_counts[state], memory_order_relaxed);

    atomic_store_explicit(&columns->state_counts[state], count + change, memory_order_release);
}

int row_columns_add_state(struct row_columns *columns, uint32_t row, uint32_t state, struct err *err)
{
    struct row_set *set;

    if (state >= ROW_STATES) {
        return 0;
    }
    set = atomic_load_explicit(&columns->states[state], memory_order_relaxed);
    if (!set) {
        set = row_set_create();
        if (!set) {
            return err_set(err, ERR_EXHAUSTED, "no memory for the index of states");
        }
        atomic_store_explicit(&columns->states[state], set, memory_order_release);
    }
    count_state(columns, state, 1);
    row_set_add(set, row);
    return 0;
}

void row_columns_remove_state(struct row_columns *columns, uint32_t row, uint32_t state)
{
    if (state < ROW_STATES) {
        row_set_remove(atomic_load_explicit(&columns->states[state], memory_order_relaxed), row);
        count_state(columns, state, UINT32_MAX);
    }
}

void row_columns_merge_states(const struct row_columns *columns, uint32_t states, const struct row_mask *in,
                              struct row_mask *into)
{
    for (; states != 0; states &= states - 1) {
        uint32_t state = (uint32_t)__builtin_ctz(states);

        if (atomic_load_explicit(&columns->state_counts[state], memory_order_acquire) > 0) {
            row_set_merge_common(atomic_load_explicit(&columns->states[state], memory_order_acquire), in, into);
        }
    }
}

/* ---- times ---- */

void row_columns_add_time(struct row_columns *columns, uint32_t row, int64_t unix_ns)
{
    _Atomic int64_t *earliest = &columns->earliest_unix_ns[row / ROW_SPAN];
    _Atomic int64_t *latest = &columns->latest_unix_ns[row / ROW_SPAN];

    if (unix_ns < atomic_load_explicit(earliest, memory_order_relaxed)) {
        atomic_store_explicit(earliest, unix_ns, memory_order_release);
    }
    if (unix_ns > atomic_load_explicit(latest, memory_order_relaxed)) {
        atomic_store_explicit(latest, unix_ns, memory_order_release);
    }
}

static void copy_span(const struct row_mask *in, uint32_t number, struct row_mask *into)
{
    for (uint32_t word = number * SPAN_WORDS; word < (number + 1) * SPAN_WORDS; word++) {
        row_mask_set_word(into, word, row_mask_word(in, word));
    }
}

bool row_columns_may_have_times(const struct row_columns *columns, int64_t first_unix_ns, int64_t last_unix_ns)
{
    for (uint32_t i = 0; i < SPANS; i++) {
        if (atomic_load_explicit(&columns->earliest_unix_ns[i], memory_order_acquire) <= last_unix_ns &&
            atomic_load_explicit(&columns->latest_unix_ns[i], memory_order_acquire) >= first_unix_ns) {
            return true;
        }
    }
    return false;
}

void row_columns_split_times(const struct row_columns *columns, int64_t first_unix_ns, int64_t last_unix_ns,
                             const struct row_mask *in, struct row_mask *ret_inside, struct row_mask *ret_unsure)
{
    row_mask_clear(ret_inside);
    row_mask_clear(ret_unsure);
    for (uint32_t i = 0; i < SPANS; i++) {
        int64_t earliest = atomic_load_explicit(&columns->earliest_unix_ns[i], memory_order_acquire);
        int64_t latest = atomic_load_explicit(&columns->latest_unix_ns[i], memory_order_acquire);

        if (earliest >= first_unix_ns && latest <= last_unix_ns) {
            copy_span(in, i, ret_inside);
        } else if (earliest <= last_unix_ns && latest >= first_unix_ns) {
            copy_span(in, i, ret_unsure);
        }
    }
}

/* ---- changes ---- */

void row_columns_note_change(struct row_columns *columns, uint32_t row)
{
    uint64_t changes = atomic_load_explicit(&columns->changes, memory_order_relaxed);

    atomic_store_explicit(&columns->changed[changes % RING_ROWS], (uint16_t)row, memory_order_release);
    atomic_store_explicit(&columns->changes, changes + 1, memory_order_release);
}

uint64_t row_columns_changes(const struct row_columns *columns)
{
    return atomic_load_explicit(&columns->changes, memory_order_acquire);
}

bool row_columns_merge_changes(const struct row_columns *columns, uint64_t since, struct row_mask *mask)
{
    uint64_t now = row_columns_changes(columns);

    /* The last one before may not have been through yet. */
    since -= since > 0 ? 1 : 0;
    for (uint64_t i = since; i < now && now - since < RING_ROWS; i++) {
        row_mask_add(mask, atomic_load_explicit(&columns->changed[i % RING_ROWS], memory_order_acquire));
    }
    /* One more may be in the making: its row is written before it is counted. */
    return row_columns_changes(columns) - since < RING_ROWS - 1;
}

uint64_t row_columns_memory_bytes(const struct row_columns *columns)
{
    uint64_t bytes = sizeof *columns;

    for (uint32_t state = 0; state < ROW_STATES; state++) {
        bytes += atomic_load_explicit(&columns->states[state], memory_order_relaxed) ? ROW_SET_BYTES : 0;
    }
    return bytes;
}
