#include "storage/grams.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    NAME_BYTES = 256,
    NAME_PAIRS_BITS = 9,
    LABEL_PAIRS_BITS = 7,
    NAME_PAIRS_FIRST = NAME_BYTES,
    LABEL_PAIRS_FIRST = NAME_PAIRS_FIRST + (1 << NAME_PAIRS_BITS),
    RARE_LABEL_KEY = LABEL_PAIRS_FIRST + (1 << LABEL_PAIRS_BITS),
    SLOTS
};

/* What stands beside the first and the last byte of a text. */
enum { START = 256, END = 257 };

/* So many slots are laid over each other, the most selective ones; another would cost more than it keeps out. */
#define GRAMS_KEPT_MAX 6

#define SEEN_BITS 14
#define SEEN_WORDS (1u << (SEEN_BITS - 6))

struct grams {
    _Atomic(struct row_set *) slots[SLOTS]; /* NULL: no row */
    _Atomic uint16_t counts[SLOTS];         /* rows that were added: how selective the slot is */
    _Atomic uint64_t seen[SEEN_WORDS];      /* a bit for each pair that ever occurred, by hash */
    struct letter_runs *runs;
};

struct grams *grams_create(void)
{
    struct grams *grams = calloc(1, sizeof *grams);

    if (grams) {
        grams->runs = letter_runs_create();
    }
    if (grams && !grams->runs) {
        free(grams);
        return NULL;
    }
    return grams;
}

void grams_destroy(struct grams *grams)
{
    for (int slot = 0; grams && slot < SLOTS; slot++) {
        free(atomic_load_explicit(&grams->slots[slot], memory_order_relaxed));
    }
    free(grams ? grams->runs : NULL);
    free(grams);
}

/* ---- slots ---- */

/* Of two neighbours: the slot, and the bit in seen. */
struct pair {
    uint32_t slot;
    uint32_t seen;
};

/* The slot by the upper bits of a hash, the bit by others. */
static struct pair pair_of(uint64_t salt, uint32_t left, uint32_t right, uint32_t first_slot, int bits)
{
    uint64_t hash = (salt ^ (left << 9 | right)) * UINT64_C(0x9e3779b97f4a7c15);
    struct pair pair;

    hash = (hash ^ hash >> 29) * UINT64_C(0xd6e8feb86659fd93);
    pair.slot = first_slot + (uint32_t)(hash >> (64 - bits));
    pair.seen = (uint32_t)(hash >> (64 - NAME_PAIRS_BITS - SEEN_BITS)) & ((1u << SEEN_BITS) - 1);
    return pair;
}

static struct pair name_pair(uint32_t left, uint32_t right)
{
    return pair_of(0, left, right, NAME_PAIRS_FIRST, NAME_PAIRS_BITS);
}

static struct pair label_pair(uint64_t key_hash, uint32_t left, uint32_t right)
{
    return pair_of(key_hash, left, right, LABEL_PAIRS_FIRST, LABEL_PAIRS_BITS);
}

static uint32_t byte_at(struct span text, size_t at)
{
    return at < text.size ? (unsigned char)text.data[at] : (uint32_t)END;
}

/* ---- adding ---- */

static bool add(struct grams *grams, uint32_t slot, uint32_t row)
{
    struct row_set *set = atomic_load_explicit(&grams->slots[slot], memory_order_relaxed);

    if (!set) {
        set = row_set_create();
        if (!set) {
            return false;
        }
        atomic_store_explicit(&grams->slots[slot], set, memory_order_release);
    }
    if (row_set_add(set, row)) {
        uint16_t count = atomic_load_explicit(&grams->counts[slot], memory_order_relaxed);

        atomic_store_explicit(&grams->counts[slot], (uint16_t)(count + 1), memory_order_relaxed);
    }
    return true;
}

static bool add_pair(struct grams *grams, struct pair pair, uint32_t row)
{
    _Atomic uint64_t *word = &grams->seen[pair.seen / 64];
    uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);

    if (!(bits >> pair.seen % 64 & 1)) {
        atomic_store_explicit(word, bits | UINT64_C(1) << pair.seen % 64, memory_order_release);
    }
    return add(grams, pair.slot, row);
}

static int done(bool ok, struct err *err)
{
    return ok ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for the index of texts");
}

int grams_add_name(struct grams *grams, uint32_t row, struct span name, struct err *err)
{
    uint32_t left = START;
    bool ok = true;

    for (size_t i = 0; ok && i <= name.size; i++) {
        uint32_t right = byte_at(name, i);

        ok = add_pair(grams, name_pair(left, right), row) && (right == END || add(grams, right, row));
        left = right;
    }
    letter_runs_add(grams->runs, row, NULL, name);
    return done(ok, err);
}

int grams_add_label(struct grams *grams, uint32_t row, uint64_t key_hash, struct span value, struct err *err)
{
    uint32_t left = START;
    bool ok = true;

    for (size_t i = 0; ok && i <= value.size; i++) {
        uint32_t right = byte_at(value, i);

        ok = add_pair(grams, label_pair(key_hash, left, right), row);
        left = right;
    }
    letter_runs_add(grams->runs, row, &key_hash, value);
    return done(ok, err);
}

int grams_add_rare_label_key(struct grams *grams, uint32_t row, struct err *err)
{
    return done(add(grams, RARE_LABEL_KEY, row), err);
}

/* ---- asking ---- */

static void ask(uint16_t *asked, uint32_t *count, uint32_t number)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (asked[i] == number) {
            return;
        }
    }
    if (*count < GRAMS_ASKED_MAX) {
        asked[(*count)++] = (uint16_t)number;
    }
}

static void ask_pair(const uint64_t *key_hash, uint32_t left, uint32_t right, struct grams_query *query)
{
    struct pair pair = key_hash ? label_pair(*key_hash, left, right) : name_pair(left, right);

    ask(query->slots, &query->count, pair.slot);
    ask(query->seen, &query->seen_count, pair.seen);
}

/* key_hash NULL: of names. */
static void ask_all(const uint64_t *key_hash, const struct store_pattern *pattern, struct grams_query *query)
{
    query->count = query->seen_count = 0;
    letter_runs_ask(key_hash, pattern, &query->runs);
    for (size_t i = 0; i < pattern->count; i++) {
        struct span piece = pattern->pieces[i];

        if (piece.size > 0 && i == 0) {
            ask_pair(key_hash, START, byte_at(piece, 0), query);
        }
        for (size_t at = 1; at < piece.size; at++) {
            ask_pair(key_hash, byte_at(piece, at - 1), byte_at(piece, at), query);
        }
        if (piece.size > 0 && i + 1 == pattern->count) {
            ask_pair(key_hash, byte_at(piece, piece.size - 1), END, query);
        }
    }
}

void grams_query_name(const struct store_pattern *pattern, struct grams_query *ret_query)
{
    ask_all(NULL, pattern, ret_query);
    for (size_t i = 0; i < pattern->count; i++) {
        for (size_t at = 0; at < pattern->pieces[i].size; at++) {
            ask(ret_query->slots, &ret_query->count, byte_at(pattern->pieces[i], at));
        }
    }
}

void grams_query_label(uint64_t key_hash, const struct store_pattern *pattern, struct grams_query *ret_query)
{
    ask_all(&key_hash, pattern, ret_query);
}

void grams_query_rare_label_key(struct grams_query *ret_query)
{
    ret_query->count = 1;
    ret_query->seen_count = ret_query->runs.count = 0;
    ret_query->slots[0] = RARE_LABEL_KEY;
}

/* Moves the slot that fewest rows have to the front of those from first on. */
static void choose(const struct grams *grams, struct grams_query *query, uint32_t first)
{
    uint32_t fewest = UINT32_MAX;

    for (uint32_t i = first; i < query->count; i++) {
        uint16_t slot = query->slots[i];
        uint32_t count = atomic_load_explicit(&grams->counts[slot], memory_order_relaxed);

        if (count < fewest) {
            fewest = count;
            query->slots[i] = query->slots[first];
            query->slots[first] = slot;
        }
    }
}

static bool seen_all(const struct grams *grams, const struct grams_query *query)
{
    for (uint32_t i = 0; i < query->seen_count; i++) {
        uint32_t bit = query->seen[i];

        if (!(atomic_load_explicit(&grams->seen[bit / 64], memory_order_acquire) >> bit % 64 & 1)) {
            return false;
        }
    }
    return true;
}

bool grams_may_keep(const struct grams *grams, const struct grams_query *query)
{
    return letter_runs_find(grams->runs, &query->runs) != 0 && seen_all(grams, query);
}

void grams_keep(const struct grams *grams, const struct grams_query *query, struct row_mask *mask)
{
    struct grams_query left = *query;

    letter_runs_keep(letter_runs_find(grams->runs, &query->runs), mask);
    if (!seen_all(grams, query)) {
        row_mask_clear(mask);
        return;
    }
    for (uint32_t i = 0; i < left.count && i < GRAMS_KEPT_MAX && mask->any != 0; i++) {
        const struct row_set *set;

        choose(grams, &left, i);
        set = atomic_load_explicit(&grams->slots[left.slots[i]], memory_order_acquire);
        if (!set) {
            row_mask_clear(mask);
            return;
        }
        row_set_keep(set, mask);
    }
}

uint64_t grams_memory_bytes(const struct grams *grams)
{
    uint64_t bytes = sizeof *grams + letter_runs_memory_bytes();

    for (int slot = 0; slot < SLOTS; slot++) {
        bytes += atomic_load_explicit(&grams->slots[slot], memory_order_relaxed) ? ROW_SET_BYTES : 0;
    }
    return bytes;
}
