#include "storage/postings.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "storage/posting.h"
#include "storage/posting_word.h"
#include "storage/reclaim.h"

#define WORDS_MIN 64u

_Static_assert(BLOCK_ROWS == 1u << POSTING_WORD_ROW_BITS, "three rows in a word");

typedef _Atomic uint64_t cell;

struct cells {
    uint32_t capacity;
    cell at[];
};

struct postings {
    _Atomic(struct cells *) cells; /* never NULL; there is always an empty one, where a probe ends */
    uint32_t used;                 /* not empty */
    uint32_t live;                 /* neither empty nor removed */
    uint32_t dead;                 /* postings without rows */
    _Atomic(struct posting *) first[ROW_KEY_KINDS];
};

/* ---- places ---- */

static struct cells *cells_create(uint32_t capacity)
{
    struct cells *cells = calloc(1, sizeof *cells + capacity * sizeof cells->at[0]);

    if (cells) {
        cells->capacity = capacity;
    }
    return cells;
}

static struct cells *current(const struct postings *postings)
{
    return atomic_load_explicit(&postings->cells, memory_order_acquire);
}

/* In the order of hashes, so that growing copies from front to back. */
static uint32_t home(const struct cells *cells, uint64_t tag)
{
    return (uint32_t)(tag * cells->capacity >> POSTING_WORD_TAG_BITS);
}

static uint32_t next(const struct cells *cells, uint32_t at)
{
    return at + 1 < cells->capacity ? at + 1 : 0;
}

/* What a probe finds of a key; each may be NULL. */
struct place {
    cell *rows;
    cell *posting;
    cell *vacant; /* empty or removed */
};

static struct place probe(struct cells *cells, const struct row_key *key)
{
    struct place place = {NULL, NULL, NULL};
    uint64_t tag = posting_word_tag(key->hash);

    for (uint32_t i = home(cells, tag);; i = next(cells, i)) {
        uint64_t word = atomic_load_explicit(&cells->at[i], memory_order_acquire);

        if (word == 0 || word == POSTING_WORD_REMOVED) {
            place.vacant = place.vacant ? place.vacant : &cells->at[i];
            if (word == 0) {
                return place;
            }
        } else if (posting_word_is_rows(word)) {
            place.rows = posting_word_rows_tag(word) == tag ? &cells->at[i] : place.rows;
        } else if (posting_word_may_be(word, key->hash) && posting_is_of(posting_word_posting(word), key)) {
            place.posting = &cells->at[i];
        }
    }
}

bool postings_find(const struct postings *postings, const struct row_key *key, struct postings_hit *ret_hit)
{
    struct place place = probe(current(postings), key);
    uint64_t word = 0;

    ret_hit->posting = NULL;
    if (place.posting) {
        ret_hit->posting = posting_word_posting(atomic_load_explicit(place.posting, memory_order_acquire));
    } else if (place.rows) {
        word = atomic_load_explicit(place.rows, memory_order_acquire);
        word = posting_word_is_rows(word) ? word : 0; /* removed meanwhile */
    }
    ret_hit->word = word;
    return ret_hit->posting || word != 0;
}

void postings_hit_merge_common(const struct postings_hit *hit, const struct row_mask *in, struct row_mask *into)
{
    if (hit->posting) {
        posting_merge_common(hit->posting, in, into);
        return;
    }
    for (unsigned i = 0; hit->word != 0 && i < 3; i++) {
        uint32_t row = (uint32_t)posting_word_row(hit->word, i);

        if (row_mask_has(in, row)) {
            row_mask_add(into, row);
        }
    }
}

const struct posting *postings_first(const struct postings *postings, enum row_key_kind kind)
{
    return atomic_load_explicit(&postings->first[kind], memory_order_acquire);
}

/* ---- writing ---- */

static uint32_t capacity_for(uint32_t live)
{
    /* Four fifths full at first, rebuilt when seven eighths are. */
    uint32_t capacity = live + live / 4 + 1;

    return capacity > WORDS_MIN ? capacity : WORDS_MIN;
}

struct postings *postings_create(uint32_t keys_expected)
{
    struct postings *postings = calloc(1, sizeof *postings);
    struct cells *cells = cells_create(capacity_for(keys_expected));

    if (!postings || !cells) {
        free(postings);
        free(cells);
        return NULL;
    }
    atomic_init(&postings->cells, cells);
    return postings;
}

void postings_destroy(struct postings *postings)
{
    struct cells *cells = postings ? current(postings) : NULL;

    for (uint32_t i = 0; cells && i < cells->capacity; i++) {
        uint64_t word = atomic_load_explicit(&cells->at[i], memory_order_relaxed);

        if (!posting_word_is_rows(word)) {
            posting_destroy(posting_word_posting(word));
        }
    }
    free(cells);
    free(postings);
}

static cell *vacant_from(struct cells *cells, uint64_t tag)
{
    uint32_t i = home(cells, tag);

    while (atomic_load_explicit(&cells->at[i], memory_order_relaxed) != 0) {
        i = next(cells, i);
    }
    return &cells->at[i];
}

static bool rebuild(struct postings *postings, struct reclaim *reclaim)
{
    struct cells *old = current(postings);
    struct cells *cells = cells_create(capacity_for(postings->live + 1));

    if (!cells) {
        return false;
    }
    for (uint32_t i = 0; i < old->capacity; i++) {
        uint64_t word = atomic_load_explicit(&old->at[i], memory_order_relaxed);

        if (word != 0 && word != POSTING_WORD_REMOVED) {
            uint64_t tag = posting_word_is_rows(word) ? posting_word_rows_tag(word)
                                                      : posting_word_tag(posting_hash(posting_word_posting(word)));

            atomic_store_explicit(vacant_from(cells, tag), word, memory_order_relaxed);
        }
    }
    postings->used = postings->live;
    atomic_store_explicit(&postings->cells, cells, memory_order_release);
    if (reclaim) {
        reclaim_defer(reclaim, old, free);
    } else {
        free(old);
    }
    return true;
}

/* Puts a word where the probe for its key finds it. */
static bool put_word(struct postings *postings, const struct row_key *key, uint64_t word, struct reclaim *reclaim)
{
    cell *vacant = probe(current(postings), key).vacant;

    if (atomic_load_explicit(vacant, memory_order_relaxed) == 0) {
        if ((postings->used + 1) * UINT64_C(8) > current(postings)->capacity * UINT64_C(7)) {
            if (!rebuild(postings, reclaim)) {
                return false;
            }
            vacant = vacant_from(current(postings), posting_word_tag(key->hash));
        }
        postings->used++;
    }
    postings->live++;
    atomic_store_explicit(vacant, word, memory_order_release);
    return true;
}

/* A posting of the rows of the word that have the key, and the new row; whole before it is published. */
static struct posting *make_posting(const struct row_key *key, uint64_t word, uint32_t row, postings_holds_fn holds,
                                    void *context)
{
    struct posting *posting = posting_create(key);
    bool ok = posting != NULL;

    for (unsigned i = 0; ok && i < 3; i++) {
        uint32_t other = (uint32_t)posting_word_row(word, i);

        if (holds(context, other, key)) {
            ok = posting_add(posting, other, NULL);
        }
    }
    if (!ok || !posting_add(posting, row, NULL)) {
        posting_destroy(posting);
        return NULL;
    }
    return posting;
}

/* Puts a new posting into the list in which its key is looked for. */
static void enlist(struct postings *postings, const struct row_key *key, struct posting *posting)
{
    const struct row_key label_key = {key->key_hash, 0, ROW_KEY_LABEL_KEY, key->text, {NULL, 0}};
    cell *at = key->kind == ROW_KEY_LABEL ? probe(current(postings), &label_key).posting : NULL;

    if (at) {
        posting_add_pair(posting_word_posting(atomic_load_explicit(at, memory_order_relaxed)), posting);
    } else {
        posting_set_next(posting, atomic_load_explicit(&postings->first[key->kind], memory_order_relaxed));
        atomic_store_explicit(&postings->first[key->kind], posting, memory_order_release);
    }
}

static bool add_posting(struct postings *postings, const struct row_key *key, uint64_t rows, uint32_t row,
                        postings_holds_fn holds, void *context, struct reclaim *reclaim)
{
    struct posting *posting = make_posting(key, rows, row, holds, context);
    uint64_t word = posting ? posting_word_of_posting(posting) : 0;

    if (word == 0) {
        posting_destroy(posting);
        return false;
    }
    if (!put_word(postings, key, word, reclaim)) {
        posting_destroy(posting);
        return false;
    }
    enlist(postings, key, posting);
    return true;
}

int postings_add(struct postings *postings, const struct row_key *key, uint32_t row, postings_holds_fn holds,
                 void *context, struct reclaim *reclaim, bool *ret_posting, struct err *err)
{
    struct place place = probe(current(postings), key);
    uint64_t word = place.rows ? atomic_load_explicit(place.rows, memory_order_relaxed) : 0;
    bool ok = true;

    if (place.posting) {
        struct posting *posting = posting_word_posting(atomic_load_explicit(place.posting, memory_order_relaxed));

        postings->dead -= posting_row_count(posting) == 0 ? 1 : 0;
        ok = posting_add(posting, row, reclaim);
    } else if (word == 0) {
        ok = put_word(postings, key, posting_word_of_rows(posting_word_tag(key->hash), row, row, row), reclaim);
    } else if (!posting_word_is_full(word) || posting_word_has_row(word, row)) {
        word = posting_word_has_row(word, row) ? word : posting_word_with(word, row);
        atomic_store_explicit(place.rows, word, memory_order_release);
    } else {
        ok = add_posting(postings, key, word, row, holds, context, reclaim);
    }
    if (!ok) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the index of keys");
    }
    *ret_posting = place.posting != NULL;
    return 0;
}

void postings_remove(struct postings *postings, const struct row_key *key, uint32_t row)
{
    struct place place = probe(current(postings), key);

    if (place.posting) {
        struct posting *posting = posting_word_posting(atomic_load_explicit(place.posting, memory_order_relaxed));

        if (posting_remove(posting, row) && posting_row_count(posting) == 0) {
            postings->dead++;
        }
    }
    if (place.rows) {
        uint64_t word = atomic_load_explicit(place.rows, memory_order_relaxed);

        if (posting_word_has_row(word, row)) {
            word = posting_word_without(word, row);
            postings->live -= word == POSTING_WORD_REMOVED ? 1 : 0;
            atomic_store_explicit(place.rows, word, memory_order_release);
        }
    }
}

uint32_t postings_key_count(const struct postings *postings)
{
    return postings->live;
}

uint32_t postings_dead_count(const struct postings *postings)
{
    return postings->dead;
}

uint64_t postings_memory_bytes(const struct postings *postings)
{
    const struct cells *cells = current(postings);
    uint64_t bytes = sizeof *postings + sizeof *cells + cells->capacity * (uint64_t)sizeof cells->at[0];

    for (uint32_t i = 0; i < cells->capacity; i++) {
        uint64_t word = atomic_load_explicit(&cells->at[i], memory_order_relaxed);

        bytes += !posting_word_is_rows(word) && word != POSTING_WORD_REMOVED
                     ? posting_memory_bytes(posting_word_posting(word))
                     : 0;
    }
    return bytes;
}
