#include "storage/posting.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "storage/reclaim.h"

#define LIST_ROWS_MIN 8u
#define STRUCK UINT16_MAX

struct row_list {
    uint32_t capacity;
    _Atomic uint32_t count;
    _Atomic uint16_t rows[]; /* count of them; STRUCK: removed */
};

struct posting {
    uint64_t hash;
    struct posting *next;
    _Atomic(struct posting *) pairs; /* of a label key */
    _Atomic(struct row_set *) set;   /* when not NULL, instead of the list */
    _Atomic(struct row_list *) list;
    uint32_t row_count; /* writer's; without the struck ones */
    uint32_t text_size;
    uint32_t value_size;
    uint8_t kind;
    char bytes[]; /* text, value */
};

struct posting *posting_create(const struct row_key *key)
{
    struct posting *posting = calloc(1, sizeof *posting + key->text.size + key->value.size);

    if (!posting) {
        return NULL;
    }
    posting->hash = key->hash;
    posting->kind = (uint8_t)key->kind;
    posting->text_size = (uint32_t)key->text.size;
    posting->value_size = (uint32_t)key->value.size;
    if (key->text.size > 0) {
        memcpy(posting->bytes, key->text.data, key->text.size);
    }
    if (key->value.size > 0) {
        memcpy(posting->bytes + key->text.size, key->value.data, key->value.size);
    }
    return posting;
}

static struct row_list *list_of(const struct posting *posting)
{
    return atomic_load_explicit(&posting->list, memory_order_acquire);
}

static struct row_set *set_of(const struct posting *posting)
{
    return atomic_load_explicit(&posting->set, memory_order_acquire);
}

void posting_destroy(struct posting *posting)
{
    if (posting) {
        free(list_of(posting));
        free(set_of(posting));
        free(posting);
    }
}

uint64_t posting_hash(const struct posting *posting)
{
    return posting->hash;
}

bool posting_is_of(const struct posting *posting, const struct row_key *key)
{
    struct row_key own = {posting->hash, 0, (enum row_key_kind)posting->kind, posting_text(posting),
                          posting_value(posting)};

    return row_key_equal(&own, key);
}

void posting_set_next(struct posting *posting, struct posting *next)
{
    posting->next = next;
}

void posting_add_pair(struct posting *label_key, struct posting *pair)
{
    posting_set_next(pair, atomic_load_explicit(&label_key->pairs, memory_order_relaxed));
    atomic_store_explicit(&label_key->pairs, pair, memory_order_release);
}

const struct posting *posting_pairs(const struct posting *posting)
{
    return atomic_load_explicit(&posting->pairs, memory_order_acquire);
}

const struct posting *posting_next(const struct posting *posting)
{
    return posting->next;
}

struct span posting_text(const struct posting *posting)
{
    return span_make(posting->bytes, posting->text_size);
}

struct span posting_value(const struct posting *posting)
{
    return span_make(posting->bytes + posting->text_size, posting->value_size);
}

static void merge_list(const struct row_list *list, const struct row_mask *in, struct row_mask *into)
{
    uint32_t count = atomic_load_explicit(&list->count, memory_order_acquire);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = atomic_load_explicit(&list->rows[i], memory_order_acquire);

        if (row != STRUCK && row_mask_has(in, row)) {
            row_mask_add(into, row);
        }
    }
}

void posting_merge_common(const struct posting *posting, const struct row_mask *in, struct row_mask *into)
{
    const struct row_set *set = set_of(posting);
    const struct row_list *list = set ? NULL : list_of(posting);

    if (list) {
        merge_list(list, in, into);
        return;
    }
    /* The set is published before the list is taken away: who finds neither looks again and finds it. */
    set = set ? set : set_of(posting);
    if (set) {
        row_set_merge_common(set, in, into);
    }
}

/* ---- writing ---- */

static void retire(void *memory, struct reclaim *reclaim)
{
    if (memory && reclaim) {
        reclaim_defer(reclaim, memory, free);
    } else {
        free(memory);
    }
}

static void list_append(struct row_list *list, uint32_t row)
{
    uint32_t count = atomic_load_explicit(&list->count, memory_order_relaxed);

    atomic_store_explicit(&list->rows[count], (uint16_t)row, memory_order_release);
    atomic_store_explicit(&list->count, count + 1, memory_order_release);
}

/* A longer copy of the list. */
static bool grow_list(struct posting *posting, struct reclaim *reclaim)
{
    struct row_list *old = list_of(posting);
    uint32_t capacity = posting->row_count + posting->row_count / 2 + 4;
    struct row_list *list;

    capacity = capacity > LIST_ROWS_MIN ? capacity : LIST_ROWS_MIN;
    list = malloc(sizeof *list + capacity * sizeof list->rows[0]);
    if (!list) {
        return false;
    }
    list->capacity = capacity;
    atomic_init(&list->count, 0);
    for (uint32_t i = 0; old && i < atomic_load_explicit(&old->count, memory_order_relaxed); i++) {
        uint32_t row = atomic_load_explicit(&old->rows[i], memory_order_relaxed);

        if (row != STRUCK) {
            list_append(list, row);
        }
    }
    atomic_store_explicit(&posting->list, list, memory_order_release);
    retire(old, reclaim);
    return true;
}

/* The rows of the list as a set, from now on. */
static bool make_set(struct posting *posting, struct reclaim *reclaim)
{
    struct row_list *list = list_of(posting);
    struct row_set *set = row_set_create();

    if (!set) {
        return false;
    }
    for (uint32_t i = 0; i < atomic_load_explicit(&list->count, memory_order_relaxed); i++) {
        uint32_t row = atomic_load_explicit(&list->rows[i], memory_order_relaxed);

        if (row != STRUCK) {
            row_set_add(set, row);
        }
    }
    atomic_store_explicit(&posting->set, set, memory_order_release);
    atomic_store_explicit(&posting->list, NULL, memory_order_release);
    retire(list, reclaim);
    return true;
}

bool posting_add(struct posting *posting, uint32_t row, struct reclaim *reclaim)
{
    struct row_list *list = list_of(posting);

    if (!set_of(posting) && posting->row_count >= POSTING_LIST_MAX && !make_set(posting, reclaim)) {
        return false;
    }
    if (set_of(posting)) {
        row_set_add(set_of(posting), row);
        posting->row_count++;
        return true;
    }
    if (!list || atomic_load_explicit(&list->count, memory_order_relaxed) == list->capacity) {
        if (!grow_list(posting, reclaim)) {
            return false;
        }
        list = list_of(posting);
    }
    list_append(list, row);
    posting->row_count++;
    return true;
}

static bool strike(struct row_list *list, uint32_t row)
{
    for (uint32_t i = atomic_load_explicit(&list->count, memory_order_relaxed); i > 0; i--) {
        if (atomic_load_explicit(&list->rows[i - 1], memory_order_relaxed) == row) {
            atomic_store_explicit(&list->rows[i - 1], STRUCK, memory_order_release);
            return true;
        }
    }
    return false;
}

bool posting_remove(struct posting *posting, uint32_t row)
{
    struct row_set *set = set_of(posting);
    struct row_list *list = list_of(posting);

    if (set ? !row_set_remove(set, row) : !list || !strike(list, row)) {
        return false;
    }
    posting->row_count--;
    return true;
}

uint32_t posting_row_count(const struct posting *posting)
{
    return posting->row_count;
}

uint64_t posting_memory_bytes(const struct posting *posting)
{
    const struct row_list *list = list_of(posting);

    return sizeof *posting + posting->text_size + posting->value_size +
           (list ? sizeof *list + list->capacity * sizeof list->rows[0] : 0) + (set_of(posting) ? ROW_SET_BYTES : 0);
}
