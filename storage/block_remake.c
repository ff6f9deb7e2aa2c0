#include "storage/block_remake.h"

#include <stdlib.h>

/* Slots looked at in a step. */
#define STEP_SLOTS 256u
/* Room for rows that come in between. */
#define SPARE_ROWS 64u

struct block_remake {
    struct block *into;
    struct block *sources[BLOCK_REMAKE_SOURCES_MAX];
    uint32_t source_count;
    uint32_t source;  /* the one that is copied from; those before are through */
    uint64_t last_id; /* rows of that one up to here are through */
    bool failed;
};

struct block_remake *block_remake_start(struct block *const *sources, uint32_t count,
                                        const struct block_options *options)
{
    struct block_remake *remake = calloc(1, sizeof *remake);
    struct block_options of_new = *options;

    if (!remake) {
        return NULL;
    }
    of_new.capacity = SPARE_ROWS;
    for (uint32_t i = 0; i < count; i++) {
        remake->sources[i] = sources[i];
        of_new.capacity += block_live(sources[i]);
    }
    of_new.capacity = of_new.capacity < BLOCK_ROWS ? of_new.capacity : BLOCK_ROWS;
    remake->source_count = count;
    remake->into = block_create(&of_new);
    if (!remake->into) {
        free(remake);
        return NULL;
    }
    return remake;
}

void block_remake_end(struct block_remake *remake)
{
    if (remake) {
        block_release(remake->into);
        free(remake);
    }
}

/* Whether the copy has passed the row's place. */
static bool is_past(const struct block_remake *remake, const struct block *in, uint64_t id)
{
    for (uint32_t i = 0; i < remake->source; i++) {
        if (remake->sources[i] == in) {
            return true;
        }
    }
    return remake->source < remake->source_count && remake->sources[remake->source] == in && id <= remake->last_id;
}

void block_remake_note(struct block_remake *remake, const struct block *in, uint64_t id, struct store_version *version)
{
    struct err ignored = ERR_INIT;
    struct store_version *old;
    uint32_t place;
    bool is_there;

    if (remake->failed || !is_past(remake, in, id)) {
        return;
    }
    place = block_place(remake->into, id);
    is_there = place < block_count(remake->into) && block_id_at(remake->into, place) == id;
    if (!version) {
        (void)(is_there ? block_remove(remake->into, place) : NULL);
    } else if (is_there) {
        remake->failed = block_replace(remake->into, place, version, NULL, &old, &ignored) != 0;
    } else {
        remake->failed = block_is_full(remake->into) || block_insert(remake->into, id, version, NULL, &ignored) != 0;
    }
}

bool block_remake_step(struct block_remake *remake, bool *ret_done)
{
    const struct block *from = remake->sources[remake->source];
    uint32_t place = remake->last_id > 0 ? block_place(from, remake->last_id + 1) : 0;
    uint32_t end = block_count(from);
    struct err ignored = ERR_INIT;

    end = end - place > STEP_SLOTS ? place + STEP_SLOTS : end;
    if (remake->failed || block_append_rows(remake->into, from, place, end, &ignored) != 0) {
        return false;
    }
    if (end < block_count(from)) {
        remake->last_id = block_id_at(from, end - 1);
    } else {
        remake->source++;
        remake->last_id = 0;
    }
    *ret_done = remake->source == remake->source_count;
    return true;
}

const struct block *block_remake_source(const struct block_remake *remake, uint32_t number, uint32_t *ret_count)
{
    *ret_count = remake->source_count;
    return remake->sources[number];
}

struct block *block_remake_take(struct block_remake *remake)
{
    struct block *block = remake->into;

    remake->into = NULL;
    if (block_live(block) == 0) {
        block_release(block);
        return NULL;
    }
    return block;
}
