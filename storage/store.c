#include "storage/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "storage/backup.h"
#include "storage/recovery.h"
#include "storage/store_private.h"
#include "storage/version.h"

#define SEGMENT_BYTES_DEFAULT (UINT64_C(64) * 1024 * 1024)
#define SEGMENT_BYTES_MAX (UINT64_C(4) * 1024 * 1024 * 1024)
#define SNAPSHOT_LOG_BYTES_MIN_DEFAULT (UINT64_C(64) * 1024 * 1024)
/* Ids have 19 decimal digits, also under a clock that has lost its battery. */
#define ID_MIN UINT64_C(1000000000000000000)

/* ---- opening and closing ---- */

static int make_tables(struct store *store, struct err *err)
{
    struct snapshot_task_options options = {.fs = store->fs,
                                            .dir = store->dir,
                                            .tables = store->tables,
                                            .keys = store->keys,
                                            .store_key = store->store_key,
                                            .outline = store->outline};

    for (int i = 1; i < STORE_TABLE_COUNT; i++) {
        store->tables[i] = table_create(i == STORE_TABLE_JOB || i == STORE_TABLE_OPERATION);
        if (!store->tables[i]) {
            return err_set(err, ERR_EXHAUSTED, "no memory for the store");
        }
    }
    store->snapshot = snapshot_task_create(&options);
    if (!store->snapshot) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the store");
    }
    return reclaim_create(&store->reclaim, err);
}

static int set_options(struct store *store, const struct store_options *options, struct err *err)
{
    uint64_t segment_bytes = options->segment_bytes > 0 ? options->segment_bytes : SEGMENT_BYTES_DEFAULT;

    if (!options->dir || options->dir[0] == '\0' || strlen(options->dir) > DATA_DIR_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "the data directory's name must have 1 to %d bytes", DATA_DIR_BYTES_MAX);
    }
    if (segment_bytes < WAL_SEGMENT_BYTES_MIN || segment_bytes > SEGMENT_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "a log segment has %d to %" PRIu64 " bytes, not %" PRIu64,
                       WAL_SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX, segment_bytes);
    }
    store->dir = strdup(options->dir);
    if (!store->dir) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the store");
    }
    store->fs = options->fs;
    store->clock = options->clock;
    store->extract = options->extract;
    store->outline = options->outline;
    store->store_key = options->store_key;
    store->segment_bytes = wal_round_up(segment_bytes);
    store->snapshot_log_bytes_min =
        options->snapshot_log_bytes_min > 0 ? options->snapshot_log_bytes_min : SNAPSHOT_LOG_BYTES_MIN_DEFAULT;
    store->free_bytes_min = options->free_bytes_min;
    store->lock_file = -1;
    return 0;
}

/* A store without keys has an empty ring: what it finds sealed stays locked, and is kept. */
static int make_sealer(struct store *store, const struct store_options *options, struct err *err)
{
    store->keys = options->keys;
    if (!store->keys) {
        if (keyring_create(NULL, &store->own_keys, err) != 0) {
            return -1;
        }
        store->keys = store->own_keys;
    }
    return row_sealer_create(store->keys, store->store_key, WAL_SEAL_IN_LOG, &store->sealer, err);
}

static int lock_dir(struct store *store, struct err *err)
{
    struct data_dir_path path = data_dir_file(store->dir, "lock");

    if (store->fs->make_dir(store->fs, store->dir, err) != 0 ||
        store->fs->lock(store->fs, path.text, &store->lock_file, err) != 0) {
        store->lock_file = -1;
        return err_wrap(err, "cannot use the data directory %s", store->dir);
    }
    return backup_check_startable(store->fs, store->dir, err);
}

/* Says what a person can do. */
static int explain_recovery(const struct store *store, struct err *err)
{
    if (err->code == ERR_CORRUPT) {
        return err_wrap(err,
                        "the data directory %s cannot be trusted and was left as it is (`customjobd wal check` tells "
                        "more; restore it from a backup, or start with an empty directory)",
                        store->dir);
    }
    if (err->code == ERR_UNSUPPORTED) {
        return err_wrap(err, "the data directory %s was left as it is; start it with the program that wrote it",
                        store->dir);
    }
    if (err->code == ERR_DENIED) {
        return err_wrap(err,
                        "cannot open the data directory %s (name its key by --store-key, and have it in --key-file or "
                        "--kms-plugin)",
                        store->dir);
    }
    return err_wrap(err, "cannot open the data directory %s", store->dir);
}

static int recover(struct store *store, struct recovery_result *ret_result, struct err *err)
{
    struct recovery_input input = {.fs = store->fs,
                                   .dir = store->dir,
                                   .extract = store->extract,
                                   .keys = store->keys,
                                   .store_key = store->store_key,
                                   .sealer = store->sealer,
                                   .segment_bytes = store->segment_bytes,
                                   .tables = store->tables,
                                   .reclaim = store->reclaim,
                                   .manifest = &store->manifest};

    if (recovery_run(&input, ret_result, err) != 0) {
        return explain_recovery(store, err);
    }
    store->writer = ret_result->writer;
    store->spare = ret_result->spare;
    store->live_bytes = ret_result->live_bytes;
    store->log_bytes_before = ret_result->log_bytes;
    store->wants_snapshot = ret_result->wants_snapshot;
    memcpy(store->last_ids, ret_result->last_ids, sizeof store->last_ids);
    store->cut_segment = store->manifest.first_segment;
    snapshot_task_note_durable(store->snapshot, wal_writer_last_lsn(store->writer));
    for (int i = 1; i < STORE_TABLE_COUNT; i++) {
        ret_result->report.entries[i] = table_count(store->tables[i]);
    }
    return 0;
}

static void store_free(struct store *store)
{
    snapshot_task_destroy(store->snapshot);
    wal_writer_close(store->writer);
    wal_spare_destroy(store->spare);
    staging_clear(&store->staging);
    staging_deinit(&store->staging);
    if (store->reclaim) {
        reclaim_destroy(store->reclaim);
    }
    for (int i = 1; i < STORE_TABLE_COUNT; i++) {
        table_destroy(store->tables[i]);
    }
    if (store->lock_file >= 0) {
        store->fs->close(store->fs, store->lock_file);
    }
    row_sealer_destroy(store->sealer);
    keyring_destroy(store->own_keys);
    free(store->dir);
    free(store);
}

int store_open(const struct store_options *options, struct store **ret_store, struct store_recovery *ret_recovery,
               struct err *err)
{
    struct store *store = calloc(1, sizeof *store);
    struct recovery_result result;
    int64_t start;

    if (!store) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the store");
    }
    store->lock_file = -1;
    memset(&result, 0, sizeof result);
    start = clock_mono_ns(options->clock);
    if (set_options(store, options, err) != 0 || make_sealer(store, options, err) != 0 ||
        make_tables(store, err) != 0 || lock_dir(store, err) != 0 || recover(store, &result, err) != 0) {
        store_free(store);
        return -1;
    }
    store->last_commit_mono_ns = clock_mono_ns(store->clock);
    result.report.duration_ns = store->last_commit_mono_ns - start;
    if (ret_recovery) {
        *ret_recovery = result.report;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    struct err ignored = ERR_INIT;

    if (!store) {
        return;
    }
    if (!store->failed && store->staging.count == 0 && wal_writer_mark(store->writer, true, &ignored) != 0) {
        /* Without the closing mark the next start finds an end that was not orderly, which it reads as well. */
        store->failed = true;
    }
    store_free(store);
}

void store_bind_owner(struct store *store)
{
    thread_check_bind(&store->owner, "store's owner");
}

/* ---- failure ---- */

static int stop(struct store *store, struct err *err)
{
    store->failed = true;
    store->failure = *err;
    return -1;
}

int store_fail(struct store *store, struct err *err)
{
    err_wrap(err,
             err->code == ERR_EXHAUSTED
                 ? "the log in %s cannot grow; make room and start again (what was not answered may or may not be kept)"
                 : "the log in %s cannot be written; check its disk before you start again (what was not answered may "
                   "or may not be kept)",
             store->dir);
    return stop(store, err);
}

int store_check_usable(const struct store *store, struct err *err)
{
    if (store->failed) {
        *err = store->failure;
        return -1;
    }
    return 0;
}

/* ---- staging and committing ---- */

uint64_t store_next_id(struct store *store, enum store_table table)
{
    int64_t wall = clock_wall_unix_ns(store->clock);
    uint64_t id = wall > 0 && (uint64_t)wall > ID_MIN ? (uint64_t)wall : ID_MIN;

    THREAD_CHECK(&store->owner);
    if (id <= store->last_ids[table]) {
        id = store->last_ids[table] + 1;
    }
    store->last_ids[table] = id;
    return id;
}

static int check_row(const struct store *store, uint32_t table, uint64_t id, size_t size, struct err *err)
{
    if (table == 0 || table >= STORE_TABLE_COUNT || id == 0) {
        return err_set(err, ERR_INVALID, "there is no row %" PRIu64 " of table %u", id, table);
    }
    if (size > LIMIT_VALUE_BYTES) {
        return err_set(err, ERR_EXHAUSTED, "a stored value has at most %d bytes, this one %zu", LIMIT_VALUE_BYTES,
                       size);
    }
    return store_check_usable(store, err);
}

/* Logs the row, sealed when it or the store has a key. */
static int append(struct store *store, const struct wal_row *row, const struct store_version *version, struct err *err)
{
    struct row_wish wish = {.key_name = version ? version_seal_key(version) : span_make(NULL, 0)};
    char outline[ROW_SEAL_OUTLINE_BYTES_MAX];

    if (!version || (wish.key_name.size == 0 && !store->store_key)) {
        return wal_writer_append(store->writer, row, NULL, err);
    }
    if (wish.key_name.size > 0 && store->outline) {
        size_t size = store->outline((enum store_table)row->table, row->value, outline, sizeof outline);

        wish.outline = span_make(outline, size);
    }
    return wal_writer_append(store->writer, row, &wish, err);
}

/* Logs and stages; takes the reference of version on success. */
static int stage(struct store *store, const struct wal_row *row, struct store_version *version, struct err *err)
{
    if (staging_reserve(&store->staging, err) != 0 || append(store, row, version, err) != 0) {
        return -1;
    }
    staging_add(&store->staging, row->table, row->id, version);
    if (row->id > store->last_ids[row->table]) {
        store->last_ids[row->table] = row->id;
    }
    return 0;
}

int store_put(struct store *store, enum store_table table, uint64_t id, struct span value, struct err *err)
{
    struct wal_row row = {.table = table, .id = id, .value = value};
    struct store_version *version;

    THREAD_CHECK(&store->owner);
    if (check_row(store, table, id, value.size, err) != 0 ||
        version_create(store->extract, table, id, value, &version, err) != 0) {
        return -1;
    }
    if (stage(store, &row, version, err) != 0) {
        store_version_unref(version);
        return -1;
    }
    return 0;
}

int store_delete(struct store *store, enum store_table table, uint64_t id, struct err *err)
{
    struct wal_row row = {.table = table, .id = id, .deleted = true};

    THREAD_CHECK(&store->owner);
    if (check_row(store, table, id, 0, err) != 0) {
        return -1;
    }
    return stage(store, &row, NULL, err);
}

bool store_is_dirty(const struct store *store)
{
    return store->staging.count > 0;
}

static int publish(struct store *store, struct err *err)
{
    staging_settle(&store->staging);
    for (size_t i = 0; i < store->staging.count; i++) {
        struct staged_row *row = &store->staging.rows[i];
        int64_t change = 0;

        if (row->superseded) {
            continue;
        }
        if (table_publish(store->tables[row->table], row->id, row->version, store->reclaim, &change, err) != 0) {
            return -1;
        }
        row->version = NULL;
        store->live_bytes += change;
    }
    return 0;
}

int store_commit(struct store *store, struct err *err)
{
    THREAD_CHECK(&store->owner);
    if (store_check_usable(store, err) != 0) {
        return -1;
    }
    if (store->staging.count == 0) {
        return 0;
    }
    if (wal_writer_sync(store->writer, err) != 0) {
        return store_fail(store, err);
    }
    snapshot_task_note_durable(store->snapshot, wal_writer_last_lsn(store->writer));
    if (publish(store, err) != 0) {
        err_wrap(err, "what is in the log in %s finds no room in memory; start again with more (nothing is lost)",
                 store->dir);
        return stop(store, err);
    }
    staging_clear(&store->staging);
    store->last_commit_mono_ns = clock_mono_ns(store->clock);
    return 0;
}
