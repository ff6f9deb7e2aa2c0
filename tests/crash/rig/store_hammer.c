/* store_hammer: a store that is committed to as fast as it goes, for campaigns that end it from outside.
 *
 * Used by   the campaigns of tests/crash/rig.
 * Shape     what commit n does follows from seed and n alone, so that the rows after it are known without having seen
 *           them. write prints `open N` and then `ack N` for each commit that has returned; check opens the directory
 *           and finds out after which commit of a range its rows are.
 * Returns   0 done; 1 the rows are those of no commit in the range; 2 usage; 3 the store refused, and says why.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/store.h"

#define SLOTS 64
#define VALUE_BYTES_MAX 6000
#define ID_BASE UINT64_C(1000000000000000000)
#define SEGMENT_BYTES (64u * 1024)
#define SNAPSHOT_LOG_BYTES (160u * 1024)

/* ---- what commit n does ---- */

struct slot {
    uint64_t id; /* 0: no row */
    uint64_t hash;
};

struct model {
    uint64_t seed;
    struct slot slots[SLOTS];
};

struct change {
    enum store_table table;
    uint64_t id;
    bool deleted;
    size_t size;
    char value[VALUE_BYTES_MAX];
};

static uint64_t mix(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static uint64_t hash_row(uint64_t table, uint64_t id, const char *value, size_t size)
{
    uint64_t hash = mix(id ^ table << 60);

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)value[i]) * UINT64_C(0x100000001b3);
    }
    return mix(hash);
}

static unsigned changes_of(const struct model *model, uint64_t commit)
{
    return 1 + (unsigned)(mix(model->seed ^ commit) % 3);
}

static void make_value(uint64_t dice, struct change *change)
{
    size_t size = (size_t)snprintf(change->value, sizeof change->value,
                                   "projects/p/locations/l/customJobs/%" PRIu64 "|%u|run=%u|", change->id,
                                   (unsigned)(dice % 7), (unsigned)(dice % 100));
    size_t wanted = dice % 16 == 0 ? VALUE_BYTES_MAX : 100 + dice % 900;

    for (; size < wanted; size++) {
        dice = mix(dice);
        change->value[size] = (char)(33 + dice % 90);
    }
    change->size = size;
}

/* The part-th change of a commit, applied to the model. */
static void next_change(struct model *model, uint64_t commit, unsigned part, struct change *ret_change)
{
    uint64_t dice = mix(mix(model->seed ^ commit) + part);
    unsigned at = (unsigned)(dice % SLOTS);
    struct slot *slot = &model->slots[at];

    ret_change->table = (enum store_table)(1 + at % (STORE_TABLE_COUNT - 1));
    ret_change->deleted = slot->id != 0 && mix(dice) % 4 == 0;
    if (slot->id == 0) {
        slot->id = ID_BASE + commit * 4 + part;
    }
    ret_change->id = slot->id;
    ret_change->size = 0;
    if (ret_change->deleted) {
        slot->id = 0;
        slot->hash = 0;
        return;
    }
    make_value(dice, ret_change);
    slot->hash = hash_row(ret_change->table, slot->id, ret_change->value, ret_change->size);
}

static void advance(struct model *model, uint64_t commit)
{
    static struct change change;

    for (unsigned part = 0; part < changes_of(model, commit); part++) {
        next_change(model, commit, part, &change);
    }
}

static uint64_t sum_of_model(const struct model *model)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SLOTS; i++) {
        sum += model->slots[i].hash;
    }
    return sum;
}

/* ---- the store ---- */

static int extract(enum store_table table, struct span value, struct store_keys *ret_keys, struct err *err)
{
    const char *end = memchr(value.data, '|', value.size);

    (void)table;
    if (!end) {
        return err_set(err, ERR_CORRUPT, "no name in the value");
    }
    ret_keys->name = span_make(value.data, (size_t)(end - value.data));
    ret_keys->parent = span_make(value.data, strlen("projects/p/locations/l"));
    ret_keys->state = (uint32_t)(end[1] - '0');
    ret_keys->label_count = 1;
    ret_keys->labels[0].key = span_make(end + 3, 3);
    ret_keys->labels[0].value = span_make(end + 7, 1);
    return 0;
}

static bool without_sync;
static bool without_sync_dir;

static int lying_open(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err)
{
    unsigned kept = without_sync ? flags & ~(unsigned)(FS_DATA_SYNC | FS_DIRECT) : flags;

    (void)fs;
    return fs_system()->open(fs_system(), path, kept, ret_file, err);
}

static int lying_sync(const struct fs *fs, int file, struct err *err)
{
    (void)fs;
    return without_sync ? 0 : fs_system()->sync(fs_system(), file, err);
}

static int lying_sync_dir(const struct fs *fs, const char *path, struct err *err)
{
    (void)fs;
    return without_sync_dir ? 0 : fs_system()->sync_dir(fs_system(), path, err);
}

static int open_store(const char *dir, struct store **ret_store, struct err *err)
{
    static struct fs fs;
    struct store_options options = {.dir = dir,
                                    .fs = &fs,
                                    .clock = clock_system(),
                                    .extract = extract,
                                    .segment_bytes = SEGMENT_BYTES,
                                    .snapshot_log_bytes_min = SNAPSHOT_LOG_BYTES};

    fs = *fs_system();
    fs.open = lying_open;
    fs.sync = lying_sync;
    fs.sync_dir = lying_sync_dir;
    if (store_open(&options, ret_store, NULL, err) != 0) {
        return -1;
    }
    store_bind_owner(*ret_store);
    return 0;
}

struct walk {
    uint64_t table;
    uint64_t sum;
};

static bool add_row(void *context, const struct store_version *version)
{
    struct walk *walk = context;
    struct span value = store_version_value(version);

    walk->sum += hash_row(walk->table, store_version_id(version), value.data, value.size);
    return true;
}

static uint64_t sum_of_store(const struct store *store)
{
    struct walk walk = {0, 0};

    for (walk.table = 1; walk.table < STORE_TABLE_COUNT; walk.table++) {
        store_walk(store, (enum store_table)walk.table, add_row, &walk);
    }
    return walk.sum;
}

/* ---- verbs ---- */

static int refused(const struct err *err)
{
    fprintf(stderr, "store_hammer: %s\n", err->text);
    return 3;
}

/* Past stdio: what is told must have left the process. */
static void tell(const char *what, uint64_t commit)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %" PRIu64 "\n", what, commit);

    if (write(STDOUT_FILENO, line, (size_t)length) != length) {
        exit(4);
    }
}

static int commit_once(struct store *store, struct model *model, uint64_t commit, struct err *err)
{
    static struct change change;
    int64_t wait_ns;

    for (unsigned part = 0; part < changes_of(model, commit); part++) {
        next_change(model, commit, part, &change);
        if (change.deleted
                ? store_delete(store, change.table, change.id, err) != 0
                : store_put(store, change.table, change.id, span_make(change.value, change.size), err) != 0) {
            return -1;
        }
    }
    if (store_commit(store, err) != 0) {
        return -1;
    }
    return store_tend(store, &wait_ns, err);
}

/* stepped: waits for a byte on standard input after each acknowledgement. early: acknowledges what is not yet done. */
static int verb_write(const char *dir, struct model *model, uint64_t from, uint64_t count, bool stepped, bool early)
{
    struct err err = ERR_INIT;
    struct store *store;
    char go;

    for (uint64_t commit = 1; commit <= from; commit++) {
        advance(model, commit);
    }
    if (open_store(dir, &store, &err) != 0) {
        return refused(&err);
    }
    tell("open", from);
    for (uint64_t commit = from + 1; commit <= from + count; commit++) {
        if (early) {
            tell("ack", commit);
        }
        if (commit_once(store, model, commit, &err) != 0) {
            store_close(store);
            return refused(&err);
        }
        if (!early) {
            tell("ack", commit);
        }
        if (stepped && read(STDIN_FILENO, &go, 1) != 1) {
            break;
        }
    }
    store_close(store);
    return 0;
}

static int verb_check(const char *dir, struct model *model, uint64_t low, uint64_t high)
{
    struct err err = ERR_INIT;
    struct store *store;
    uint64_t sum;

    if (open_store(dir, &store, &err) != 0) {
        return refused(&err);
    }
    sum = sum_of_store(store);
    store_close(store);
    for (uint64_t commit = 0; commit <= high; commit++) {
        if (commit > 0) {
            advance(model, commit);
        }
        if (commit >= low && sum_of_model(model) == sum) {
            tell("at", commit);
            return 0;
        }
    }
    tell("lost", low);
    return 1;
}

int main(int argc, char **argv)
{
    struct model model = {0};
    bool stepped = false;
    bool early = false;

    for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
        stepped = stepped || strcmp(argv[1], "--step") == 0;
        early = early || strcmp(argv[1], "--early") == 0;
        without_sync = without_sync || strcmp(argv[1], "--no-sync") == 0;
        without_sync_dir = without_sync_dir || strcmp(argv[1], "--no-sync-dir") == 0;
    }
    if (argc != 6) {
        fputs("usage: store_hammer [--step] [--early] [--no-sync] [--no-sync-dir] write DIR SEED FROM COUNT\n"
              "       store_hammer check DIR SEED LOW HIGH\n",
              stderr);
        return 2;
    }
    model.seed = strtoull(argv[3], NULL, 10);
    if (strcmp(argv[1], "write") == 0) {
        return verb_write(argv[2], &model, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10), stepped, early);
    }
    return verb_check(argv[2], &model, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
}
