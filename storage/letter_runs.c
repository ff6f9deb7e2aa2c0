#include "storage/letter_runs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define EIGHTHS 8u
#define ALL_EIGHTHS 0xffu
#define EIGHTH_ROWS (BLOCK_ROWS / EIGHTHS)
#define EIGHTH_WORDS (ROW_WORDS / EIGHTHS)
#define NAME_BITS 13
#define LABEL_BITS 12
#define NAME_RUNS (1u << NAME_BITS)
#define LABEL_RUNS (1u << LABEL_BITS)
#define RUN_LETTERS 5u
#define LETTER_BITS 9

/* What stands beside the first and the last byte of a text. */
enum { START = 256, END = 257 };

struct letter_runs {
    _Atomic uint8_t eighths[NAME_RUNS + LABEL_RUNS]; /* by the run's number: of names, then of labels */
};

struct letter_runs *letter_runs_create(void)
{
    return calloc(1, sizeof(struct letter_runs));
}

uint64_t letter_runs_memory_bytes(void)
{
    return sizeof(struct letter_runs);
}

/* The letters that went by last. */
struct window {
    const uint64_t *key_hash;
    uint64_t letters;
    uint32_t count;
};

/* True: they are a run now, with that number. */
static bool window_move(struct window *window, uint32_t letter, uint32_t *ret_number)
{
    uint64_t hash;

    window->letters = (window->letters << LETTER_BITS | letter) & ((UINT64_C(1) << RUN_LETTERS * LETTER_BITS) - 1);
    if (++window->count < RUN_LETTERS) {
        return false;
    }
    hash = ((window->key_hash ? *window->key_hash : 0) ^ (window->letters + 1)) * UINT64_C(0x9e3779b97f4a7c15);
    if (!window->key_hash) {
        *ret_number = (uint32_t)(hash >> (64 - NAME_BITS));
        return true;
    }
    *ret_number = NAME_RUNS + (uint32_t)(hash >> (64 - LABEL_BITS));
    return letter == END || window->letters >> (RUN_LETTERS - 1) * LETTER_BITS == START;
}

static uint32_t letter_at(struct span text, size_t at)
{
    return at < text.size ? (unsigned char)text.data[at] : (uint32_t)END;
}

void letter_runs_add(struct letter_runs *runs, uint32_t row, const uint64_t *key_hash, struct span text)
{
    struct window window = {key_hash, START, 1};
    unsigned bit = 1u << row / EIGHTH_ROWS;

    for (size_t at = 0; at <= text.size; at++) {
        uint32_t number;

        if (window_move(&window, letter_at(text, at), &number)) {
            unsigned eighths = atomic_load_explicit(&runs->eighths[number], memory_order_relaxed);

            if (!(eighths & bit)) {
                atomic_store_explicit(&runs->eighths[number], (uint8_t)(eighths | bit), memory_order_release);
            }
        }
    }
}

void letter_runs_ask(const uint64_t *key_hash, const struct store_pattern *pattern, struct letter_runs_query *ret_query)
{
    ret_query->count = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        bool is_first = i == 0;
        size_t end = pattern->pieces[i].size + (i + 1 == pattern->count ? 1 : 0);
        struct window window = {key_hash, is_first ? START : 0, is_first ? 1 : 0};

        for (size_t at = 0; at < end && ret_query->count < LETTER_RUNS_ASKED_MAX; at++) {
            uint32_t number;

            if (window_move(&window, letter_at(pattern->pieces[i], at), &number)) {
                ret_query->numbers[ret_query->count++] = (uint16_t)number;
            }
        }
    }
}

uint32_t letter_runs_find(const struct letter_runs *runs, const struct letter_runs_query *query)
{
    uint32_t eighths = ALL_EIGHTHS;

    for (uint32_t i = 0; i < query->count && eighths != 0; i++) {
        eighths &= atomic_load_explicit(&runs->eighths[query->numbers[i]], memory_order_acquire);
    }
    return eighths;
}

void letter_runs_keep(uint32_t eighths, struct row_mask *mask)
{
    const uint64_t words_of_one = (UINT64_C(1) << EIGHTH_WORDS) - 1;

    for (uint32_t i = 0; i < EIGHTHS; i++) {
        mask->any &= eighths >> i & 1 ? UINT64_MAX : ~(words_of_one << i * EIGHTH_WORDS);
    }
}
