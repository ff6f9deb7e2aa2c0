#include <string.h>

#include "storage/store_private.h"

/* A batch is followed by a mark after this much rest: until then damage to it would look like a tear. */
#define MARK_IDLE_NS (50 * CLOCK_NS_PER_MS)
/* How often a running snapshot is asked after. */
#define SNAPSHOT_POLL_NS (20 * CLOCK_NS_PER_MS)
#define SNAPSHOT_RETRY_NS (60 * CLOCK_NS_PER_S)
/* Segments recycled in one step. */
#define CUT_SEGMENTS 4

/* Bytes of log behind the snapshot. */
static uint64_t log_bytes(const struct store *store)
{
    return store->log_bytes_before + wal_writer_bytes(store->writer);
}

static int64_t shorter(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

/* ---- the mark ---- */

static int tend_mark(struct store *store, int64_t now, int64_t *wait_ns, struct err *err)
{
    int64_t idle = now - store->last_commit_mono_ns;

    if (!wal_writer_wants_mark(store->writer) || store_is_dirty(store)) {
        return 0;
    }
    if (idle < MARK_IDLE_NS) {
        *wait_ns = shorter(*wait_ns, MARK_IDLE_NS - idle);
        return 0;
    }
    return wal_writer_mark(store->writer, false, err) == 0 ? 0 : store_fail(store, err);
}

/* ---- the snapshot ---- */

static bool is_due(const struct store *store)
{
    uint64_t bytes = log_bytes(store);
    uint64_t live = (uint64_t)store->live_bytes;

    /* Where room is short a new snapshot is worth its writing as soon as it gives back half of what there is. */
    if (store->space.is_low && bytes + store->old_snapshot_bytes > 2 * (live + store->segment_bytes) &&
        wal_writer_last_lsn(store->writer) > store->manifest.snapshot_lsn) {
        return true;
    }
    return ((bytes > store->snapshot_log_bytes_min && bytes > live) || store->wants_snapshot) &&
           wal_writer_last_lsn(store->writer) > store->manifest.snapshot_lsn;
}

/* A snapshot is named by its lsn: where nothing has happened since the last one, something has to. */
static int move_on(struct store *store, struct err *err)
{
    struct wal_row row = {.table = STORE_TABLE_REQUEST_ID, .id = 1, .deleted = true};

    if (wal_writer_last_lsn(store->writer) > store->manifest.snapshot_lsn || store_is_dirty(store)) {
        return 0;
    }
    if (wal_writer_append(store->writer, &row, NULL, err) != 0 || wal_writer_sync(store->writer, err) != 0) {
        return store_fail(store, err);
    }
    snapshot_task_note_durable(store->snapshot, wal_writer_last_lsn(store->writer));
    store->last_commit_mono_ns = clock_mono_ns(store->clock);
    return 0;
}

static int start_snapshot(struct store *store, struct err *err)
{
    struct snapshot_head head = {.lsn = wal_writer_last_lsn(store->writer)};

    memcpy(head.store_uuid, store->manifest.store_uuid, WAL_ID_BYTES);
    memcpy(head.last_ids, store->last_ids, sizeof head.last_ids);
    store->snapshot_start_log_bytes = log_bytes(store);
    return snapshot_task_start(store->snapshot, &head, wal_writer_segment(store->writer), store->manifest.snapshot_lsn,
                               err);
}

static void snapshot_failed(struct store *store, const struct err *err)
{
    store->snapshot_failure = *err;
    err_wrap(&store->snapshot_failure, "no snapshot could be taken in %s, the log goes on growing", store->dir);
    store->snapshot_retry_mono_ns = clock_mono_ns(store->clock);
    if (err->code != ERR_EXHAUSTED || !store_space_release(store)) {
        store->snapshot_retry_mono_ns += SNAPSHOT_RETRY_NS;
    }
}

/* Takes over a finished snapshot: what of the log it replaces is to be recycled. */
static int take_snapshot(struct store *store, struct err *err)
{
    if (snapshot_task_take(store->snapshot, &store->manifest, err) != 0) {
        return -1;
    }
    store->wants_snapshot = false;
    memset(&store->snapshot_failure, 0, sizeof store->snapshot_failure);
    /* May wrap: only the sum with wal_writer_bytes counts. */
    store->log_bytes_before -= store->snapshot_start_log_bytes;
    /* The next snapshot is due when the log has outgrown the live data. */
    wal_spare_expect(store->spare, (uint64_t)store->live_bytes);
    return 0;
}

/* One step of recycling. A file that cannot be taken away is left: the next start takes it. */
static int cut_log(struct store *store, uint64_t segments_max, struct err *err)
{
    for (uint64_t i = 0; i < segments_max && store->cut_segment < store->manifest.first_segment; i++) {
        if (wal_spare_recycle(store->spare, store->cut_segment++, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static void tend_snapshot(struct store *store, int64_t now, int64_t *wait_ns)
{
    enum snapshot_task_state state = snapshot_task_state(store->snapshot);
    struct err err = ERR_INIT;

    if (state == SNAPSHOT_TASK_DONE || state == SNAPSHOT_TASK_FAILED) {
        if (take_snapshot(store, &err) != 0) {
            snapshot_failed(store, &err);
        }
        state = SNAPSHOT_TASK_IDLE;
    }
    if (cut_log(store, CUT_SEGMENTS, &err) != 0) {
        snapshot_failed(store, &err);
    }
    if (store->cut_segment < store->manifest.first_segment) {
        *wait_ns = 0;
    }
    if (state == SNAPSHOT_TASK_IDLE && is_due(store)) {
        if (now < store->snapshot_retry_mono_ns) {
            *wait_ns = shorter(*wait_ns, store->snapshot_retry_mono_ns - now);
        } else if (start_snapshot(store, &err) != 0) {
            snapshot_failed(store, &err);
        } else {
            state = SNAPSHOT_TASK_RUNNING;
        }
    }
    if (state == SNAPSHOT_TASK_RUNNING) {
        *wait_ns = shorter(*wait_ns, SNAPSHOT_POLL_NS);
    }
}

/* One step in one table. */
static void tend_tables(struct store *store, int64_t *wait_ns)
{
    for (int i = 1; i < STORE_TABLE_COUNT; i++) {
        if (table_tidy(store->tables[i], store->reclaim)) {
            *wait_ns = 0;
            return;
        }
    }
}

int store_tend(struct store *store, int64_t *ret_wait_ns, struct err *err)
{
    int64_t now = clock_mono_ns(store->clock);
    int64_t wait_ns = INT64_MAX;

    THREAD_CHECK(&store->owner);
    if (store_check_usable(store, err) != 0 || (store->wants_snapshot && move_on(store, err) != 0) ||
        tend_mark(store, now, &wait_ns, err) != 0) {
        return -1;
    }
    tend_snapshot(store, now, &wait_ns);
    wait_ns = shorter(wait_ns, store_space_tend(store));
    tend_tables(store, &wait_ns);
    *ret_wait_ns = shorter(wait_ns, reclaim_tend(store->reclaim, now));
    return 0;
}

int store_snapshot(struct store *store, struct err *err)
{
    THREAD_CHECK(&store->owner);
    if (store_check_usable(store, err) != 0) {
        return -1;
    }
    snapshot_task_wait(store->snapshot);
    if (snapshot_task_state(store->snapshot) != SNAPSHOT_TASK_IDLE && take_snapshot(store, err) != 0) {
        return -1;
    }
    if (wal_writer_last_lsn(store->writer) > store->manifest.snapshot_lsn) {
        if (start_snapshot(store, err) != 0) {
            return -1;
        }
        snapshot_task_wait(store->snapshot);
        if (take_snapshot(store, err) != 0) {
            return -1;
        }
    }
    if (cut_log(store, UINT64_MAX, err) != 0) {
        return -1;
    }
    wal_spare_settle(store->spare);
    return 0;
}

bool store_snapshot_failure(const struct store *store, struct err *ret_failure)
{
    if (store->snapshot_failure.code == ERR_NONE) {
        return false;
    }
    *ret_failure = store->snapshot_failure;
    return true;
}
