#include <string.h>

#include "storage/store_private.h"

/* What was seen is believed for so long. */
#define LOOK_NS (100 * CLOCK_NS_PER_MS)
/* How often the disk is looked at while nobody asks: with room to spare, and with little. */
#define WATCH_NS (10 * CLOCK_NS_PER_S)
#define WATCH_CLOSELY_NS CLOCK_NS_PER_S
/* Beside the rows a snapshot has its frames, and beside the snapshot the log may want a small segment. */
#define SNAPSHOT_EXTRA_BYTES (UINT64_C(8) * 1024 * 1024)

static uint64_t snapshot_bytes(const struct store *store)
{
    uint64_t live = store->live_bytes > 0 ? (uint64_t)store->live_bytes : 0;

    return live + live / 8;
}

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

/* With what is kept ready already. */
static uint64_t needed_bytes(const struct store *store)
{
    size_t ready = wal_spare_ready(store->spare);
    uint64_t missing = ready < WAL_SPARES_MIN ? WAL_SPARES_MIN - ready : 0;

    return larger(store->free_bytes_min, snapshot_bytes(store) + missing * store->segment_bytes);
}

/* Of the snapshot that counts; 0: there is none, or it is not known. */
static uint64_t snapshot_file_bytes(const struct store *store)
{
    struct data_dir_path path = data_dir_snapshot(store->dir, store->manifest.snapshot_lsn);
    struct err ignored = ERR_INIT;
    uint64_t bytes = 0;
    int file;

    if (store->manifest.snapshot_lsn == 0 || store->fs->open(store->fs, path.text, FS_READ, &file, &ignored) != 0) {
        return 0;
    }
    if (store->fs->size(store->fs, file, &bytes, &ignored) != 0) {
        bytes = 0;
    }
    store->fs->close(store->fs, file);
    return bytes;
}

static void look(struct store *store, int64_t now)
{
    struct store_space *space = &store->space;
    struct err unknown = ERR_INIT;
    uint64_t free_bytes;

    store->space_seen_mono_ns = now;
    if (store->fs->free_bytes(store->fs, store->dir, &free_bytes, &unknown) != 0) {
        return; /* not to know is no reason to refuse */
    }
    space->free_bytes = free_bytes;
    space->needed_bytes = needed_bytes(store);
    /* Not at the same mark as before, so that a disk at the mark does not say one thing and the other in turn. */
    space->is_low = free_bytes < space->needed_bytes + (space->is_low ? space->needed_bytes / 16 : 0);
    store->old_snapshot_bytes = space->is_low ? snapshot_file_bytes(store) : 0;
}

void store_space(struct store *store, struct store_space *ret_space)
{
    int64_t now = clock_mono_ns(store->clock);

    THREAD_CHECK(&store->owner);
    if (store->free_bytes_min > 0 && (store->space_seen_mono_ns == 0 || now - store->space_seen_mono_ns >= LOOK_NS)) {
        look(store, now);
    }
    *ret_space = store->space;
}

int64_t store_space_tend(struct store *store)
{
    struct store_space space;
    uint64_t all;

    if (store->free_bytes_min == 0) {
        return INT64_MAX;
    }
    store_space(store, &space);
    all = larger(store->free_bytes_min, snapshot_bytes(store) + WAL_SPARES_MIN * store->segment_bytes);
    if (space.free_bytes >= 2 * all) {
        return WATCH_NS;
    }
    /* While there is still room: on a full disk the log goes on in these, and a start needs one. */
    if (space.free_bytes >= store->segment_bytes + SNAPSHOT_EXTRA_BYTES) {
        wal_spare_want(store->spare, WAL_SPARES_MIN);
    }
    return WATCH_CLOSELY_NS;
}

bool store_space_release(struct store *store)
{
    uint64_t reserve = wal_spare_ready(store->spare) * store->segment_bytes;

    if (store->free_bytes_min == 0 || reserve == 0) {
        return false;
    }
    look(store, clock_mono_ns(store->clock));
    if (store->space.free_bytes + reserve < snapshot_bytes(store) + SNAPSHOT_EXTRA_BYTES) {
        return false;
    }
    wal_spare_drop(store->spare);
    return true;
}
