#include "storage/id_slots.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "storage/block_directory.h"
#include "storage/block_remake.h"
#include "storage/reclaim.h"

/* A block that is made anew has at most so many rows: a step of the writer stays short, and the next one is far. */
#define MERGED_ROWS_MAX (BLOCK_ROWS / 2)
/* Room in a block that was split, for ids to come in between. */
#define SPLIT_SPARE 1024u
/* A section's work: blocks looked into, and rows looked at. */
#define SECTION_BLOCKS 32u
#define SECTION_ROWS 1024u

struct id_slots {
    struct id_slots_options options;
    _Atomic(struct block_directory *) directory; /* never NULL */
    bool untidy;                                 /* writer's: some block may be wasteful */
    struct block_remake *remake;                 /* writer's: in the making; NULL: none */
};

/* ---- reading ---- */

static struct block_directory *current(const struct id_slots *slots)
{
    return atomic_load_explicit(&slots->directory, memory_order_acquire);
}

bool id_slots_list_down(const struct id_slots *slots, struct filter_plan *plan, uint64_t *before, block_visit_fn visit,
                        void *context)
{
    const struct block_directory *directory = current(slots);
    uint64_t bound = *before;
    uint32_t index = bound > 0 ? block_directory_up_to(directory, bound - 1) : 0;
    uint32_t visited = 0;

    for (uint32_t blocks = 0; index > 0; blocks++) {
        if (blocks == SECTION_BLOCKS || visited >= SECTION_ROWS) {
            return true;
        }
        if (!block_visit_down(block_directory_block(directory, --index), plan, bound, visit, context, &visited)) {
            return false;
        }
        *before = block_directory_first_id(directory, index);
    }
    return false;
}

bool id_slots_scan_up(const struct id_slots *slots, uint64_t *after, uint32_t budget, block_visit_fn visit,
                      void *context)
{
    const struct block_directory *directory = current(slots);
    uint32_t index = block_directory_up_to(directory, *after);

    if (*after == UINT64_MAX) {
        return false;
    }
    for (index -= index > 0 ? 1 : 0; index < block_directory_count(directory); index++) {
        if (!block_visit_up(block_directory_block(directory, index), after, &budget, visit, context)) {
            return budget == 0;
        }
    }
    return false;
}

/* ---- writing ---- */

struct id_slots *id_slots_create(const struct id_slots_options *options)
{
    struct id_slots *slots = calloc(1, sizeof *slots);
    struct block_directory *directory = block_directory_create();

    if (!slots || !directory) {
        free(slots);
        free(directory);
        return NULL;
    }
    slots->options = *options;
    atomic_init(&slots->directory, directory);
    return slots;
}

static void abandon_remake(struct id_slots *slots)
{
    block_remake_end(slots->remake);
    slots->remake = NULL;
}

void id_slots_destroy(struct id_slots *slots)
{
    if (!slots) {
        return;
    }
    abandon_remake(slots);
    for (uint32_t i = 0; i < block_directory_count(current(slots)); i++) {
        block_release(block_directory_block(current(slots), i));
    }
    free(current(slots));
    free(slots);
}

/* Blocks [0, count) of new ones, none of them empty, in the place of old_count at index; the old ones are given back
 * in time. */
static bool replace_blocks(struct id_slots *slots, uint32_t index, uint32_t old_count, struct block **blocks,
                           uint32_t count, struct reclaim *reclaim)
{
    struct block_directory *old = current(slots);
    struct block_directory *directory = block_directory_replace(old, index, old_count, blocks, count);

    if (!directory) {
        return false;
    }
    atomic_store_explicit(&slots->directory, directory, memory_order_release);
    if (old_count > 0) {
        abandon_remake(slots); /* its blocks may be among the old ones */
    }
    for (uint32_t i = index; i < index + old_count; i++) {
        reclaim_defer(reclaim, block_directory_block(old, i), block_release);
    }
    reclaim_defer(reclaim, old, free);
    return true;
}

static struct block *new_block(const struct id_slots *slots, uint32_t capacity, uint32_t keys_expected)
{
    struct block_options options = {
        .indexed = slots->options.indexed, .seed = slots->options.seed, .keys_expected = keys_expected};

    options.capacity = capacity < BLOCK_ROWS ? capacity : BLOCK_ROWS;
    return block_create(&options);
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for the list of ids");
}

static bool append_block(struct id_slots *slots, struct block *block, struct reclaim *reclaim)
{
    return block_directory_append(current(slots), block) ||
           replace_blocks(slots, block_directory_count(current(slots)), 0, &block, 1, reclaim);
}

/* Drops the block when it is empty, and remembers when it is wasteful. The last one is left: it still fills. Not to
 * find memory for a directory is no failure: the block stays, and is as right. */
static void look_after(struct id_slots *slots, uint32_t index, struct reclaim *reclaim)
{
    struct block_directory *directory = current(slots);
    struct block *block = block_directory_block(directory, index);

    if (index + 1 < block_directory_count(directory) && block_live(block) == 0) {
        (void)replace_blocks(slots, index, 1, NULL, 0, reclaim);
    } else if (block_is_wasteful(block)) {
        slots->untidy = true;
    }
}

/* A new highest id. */
static int append(struct id_slots *slots, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                  struct err *err)
{
    uint32_t count = block_directory_count(current(slots));
    struct block *last = count > 0 ? block_directory_block(current(slots), count - 1) : NULL;
    struct block *block;

    if (last && !block_is_full(last)) {
        return block_append(last, id, version, reclaim, err);
    }
    block = new_block(slots, BLOCK_ROWS, last ? block_key_count(last) : 0);
    if (!block) {
        return no_memory(err);
    }
    if (block_append(block, id, version, NULL, err) != 0) {
        block_release(block);
        return -1;
    }
    if (!append_block(slots, block, reclaim)) {
        block_release(block);
        return no_memory(err);
    }
    if (count > 0) {
        look_after(slots, count - 1, reclaim); /* it was the last until now, and may have emptied meanwhile */
    }
    return 0;
}

/* A new block of the rows that stand in [from, to) of another, with room for spare more. NULL: memory, or no rows. */
static struct block *copy_rows(const struct id_slots *slots, const struct block *other, uint32_t from, uint32_t to,
                               uint32_t spare)
{
    struct block *block = new_block(slots, to - from + spare, 0);
    struct err ignored = ERR_INIT;

    if (block && (block_append_rows(block, other, from, to, &ignored) != 0 || block_count(block) == 0)) {
        block_release(block);
        return NULL;
    }
    return block;
}

/* Makes two halves of a full block, each with room; one block, when the rows of one half are all gone; or none. */
static bool make_room(struct id_slots *slots, uint32_t index, struct reclaim *reclaim)
{
    const struct block *old = block_directory_block(current(slots), index);
    uint32_t count = block_count(old);
    struct block *blocks[2] = {copy_rows(slots, old, 0, count / 2, SPLIT_SPARE),
                               copy_rows(slots, old, count / 2, count, SPLIT_SPARE)};
    uint32_t made = (blocks[0] ? 1u : 0u) + (blocks[1] ? 1u : 0u);
    uint32_t live = (blocks[0] ? block_live(blocks[0]) : 0) + (blocks[1] ? block_live(blocks[1]) : 0);

    if (live == block_live(old) && replace_blocks(slots, index, 1, blocks[0] ? blocks : blocks + 1, made, reclaim)) {
        return true;
    }
    block_release(blocks[0]);
    block_release(blocks[1]);
    return false;
}

/* A block that is being made gets what became of the row too. Returns result. */
static int note(struct id_slots *slots, const struct block *block, uint64_t id, struct store_version *version,
                int result)
{
    if (slots->remake && result == 0) {
        block_remake_note(slots->remake, block, id, version);
    }
    return result;
}

/* An id between others, or below all. */
static int insert(struct id_slots *slots, uint32_t index, uint64_t id, struct store_version *version,
                  struct reclaim *reclaim, struct err *err)
{
    struct block_directory *directory = current(slots);

    if (note(slots, block_directory_block(directory, index), id, version,
             block_insert(block_directory_block(directory, index), id, version, reclaim, err)) != 0) {
        return -1;
    }
    if (id < block_directory_first_id(directory, index)) {
        block_directory_lower(directory, index, id);
    }
    return 0;
}

int id_slots_put(struct id_slots *slots, uint64_t id, struct store_version *version, struct reclaim *reclaim,
                 struct store_version **ret_old, struct err *err)
{
    struct block_directory *directory = current(slots);
    uint32_t index = block_directory_up_to(directory, id);
    struct block *block;
    uint32_t count;
    uint32_t place;

    *ret_old = NULL;
    if (block_directory_count(directory) == 0) {
        return append(slots, id, version, reclaim, err);
    }
    index -= index > 0 ? 1 : 0;
    block = block_directory_block(directory, index);
    count = block_count(block);
    if (index + 1 == block_directory_count(directory) && block_id_at(block, count - 1) < id) {
        return append(slots, id, version, reclaim, err);
    }
    place = block_place(block, id);
    if (place < count && block_id_at(block, place) == id) {
        return note(slots, block, id, version, block_replace(block, place, version, reclaim, ret_old, err));
    }
    if (block_is_full(block)) {
        return make_room(slots, index, reclaim) ? id_slots_put(slots, id, version, reclaim, ret_old, err)
                                                : no_memory(err);
    }
    return insert(slots, index, id, version, reclaim, err);
}

struct store_version *id_slots_remove(struct id_slots *slots, uint64_t id, struct reclaim *reclaim)
{
    struct block_directory *directory = current(slots);
    uint32_t index = block_directory_up_to(directory, id);
    struct store_version *old;
    struct block *block;
    uint32_t place;

    if (index == 0) {
        return NULL;
    }
    block = block_directory_block(directory, --index);
    place = block_place(block, id);
    if (place == block_count(block) || block_id_at(block, place) != id) {
        return NULL;
    }
    old = block_remove(block, place);
    if (old) {
        (void)note(slots, block, id, NULL, 0);
        look_after(slots, index, reclaim);
    }
    return old;
}

/* ---- tidying ---- */

/* Whether the block at index and the next, neither the last, are small enough to be one. */
static bool can_merge(const struct block_directory *directory, uint32_t index)
{
    return index + 2 < block_directory_count(directory) &&
           block_live(block_directory_block(directory, index)) +
                   block_live(block_directory_block(directory, index + 1)) <=
               MERGED_ROWS_MAX;
}

/* Begins with the first block that is worth it, and its neighbour if that is small too. */
static bool start_remake(struct id_slots *slots)
{
    const struct block_directory *directory = current(slots);
    struct block_options options = {.indexed = slots->options.indexed, .seed = slots->options.seed};

    for (uint32_t i = 0; slots->untidy && i + 1 < block_directory_count(directory); i++) {
        struct block *sources[BLOCK_REMAKE_SOURCES_MAX];
        uint32_t count = 0;

        if (block_is_wasteful(block_directory_block(directory, i))) {
            i -= i > 0 && can_merge(directory, i - 1) ? 1 : 0;
            sources[count++] = block_directory_block(directory, i);
            if (can_merge(directory, i)) {
                sources[count++] = block_directory_block(directory, i + 1);
            }
            slots->remake = block_remake_start(sources, count, &options);
            return slots->remake != NULL;
        }
    }
    slots->untidy = false;
    return false;
}

/* Puts what was made in the place of its sources, which stand where they stood. */
static bool finish_remake(struct id_slots *slots, struct reclaim *reclaim)
{
    struct block_remake *remake = slots->remake;
    uint32_t count;
    const struct block *first = block_remake_source(remake, 0, &count);
    uint32_t index = block_directory_up_to(current(slots), block_id_at(first, 0)) - 1;
    struct block *block = block_remake_take(remake);
    bool ok;

    slots->remake = NULL;
    ok = replace_blocks(slots, index, count, &block, block ? 1 : 0, reclaim);
    if (!ok) {
        block_release(block);
    }
    block_remake_end(remake);
    return ok;
}

bool id_slots_tidy(struct id_slots *slots, struct reclaim *reclaim)
{
    bool done = false;

    if (!slots->remake) {
        return start_remake(slots);
    }
    if (!block_remake_step(slots->remake, &done)) {
        abandon_remake(slots);
        return false;
    }
    return done ? finish_remake(slots, reclaim) : true;
}

void id_slots_memory(const struct id_slots *slots, struct block_memory *ret_memory)
{
    const struct block_directory *directory = current(slots);
    struct block_memory memory = {.rows = 0};

    memory.slots = sizeof *slots + block_directory_memory_bytes(directory);
    for (uint32_t i = 0; i < block_directory_count(directory); i++) {
        block_add_memory(block_directory_block(directory, i), &memory);
    }
    *ret_memory = memory;
}
