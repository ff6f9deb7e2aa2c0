#include "storage/recovery.h"

#include <inttypes.h>
#include <string.h>

#include "seal/keyring.h"
#include "storage/row_loader.h"
#include "storage/snapshot.h"
#include "storage/wal_reader.h"
#include "storage/wal_segment.h"

/* So many starts' worth of wrapped keys, for each name, are enough to meet: then a snapshot makes one of them. */
#define RUNS_PER_KEY_MAX 64

/* One run: what is given, what is found. */
struct recovery {
    const struct recovery_input *in;
    struct data_dir_list list;
    struct recovery_result out;
    struct row_loader *loader; /* while it reads */
    uint64_t snapshot_end_lsn;
    uint64_t covered_bytes; /* of the log that was read, but stands in the snapshot too */
    struct wal_end end;
};

/* ---- reading ---- */

/* Brings to an end what a reader has begun, with or without success: what failed first, in the file, is told. */
static int finish_rows(struct recovery *recovery, int result, struct err *err)
{
    struct err first = ERR_INIT;

    if (row_loader_finish(recovery->loader, &first) != 0) {
        *err = first;
        return -1;
    }
    return result;
}

static int load_rows(struct recovery *recovery, struct snapshot_reader *reader, struct err *err)
{
    struct snapshot_chunk chunk;
    bool end = false;

    memcpy(recovery->out.last_ids, snapshot_reader_head(reader)->last_ids, sizeof recovery->out.last_ids);
    for (;;) {
        struct row_run run = {.segment = 0};

        if (snapshot_reader_next_chunk(reader, &chunk, &end, err) != 0) {
            return -1;
        }
        if (end) {
            recovery->snapshot_end_lsn = snapshot_reader_end_lsn(reader);
            return 0;
        }
        run.records = chunk.records;
        run.record_count = chunk.record_count;
        run.offset = chunk.offset;
        run.lsn = recovery->in->manifest->snapshot_lsn;
        if (row_loader_add(recovery->loader, &run, snapshot_reader_buffer(reader), err) != 0) {
            return -1;
        }
    }
}

static int load_snapshot(struct recovery *recovery, struct err *err)
{
    const struct manifest *manifest = recovery->in->manifest;
    struct snapshot_reader *reader;
    int result;

    if (manifest->snapshot_lsn == 0) {
        return 0;
    }
    if (snapshot_reader_open(recovery->in->fs, recovery->in->dir, manifest->store_uuid, manifest->snapshot_lsn, &reader,
                             err) != 0) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_CORRUPT : err->code;
        return err_wrap(err, "the snapshot that MANIFEST names");
    }
    result = finish_rows(recovery, load_rows(recovery, reader, err), err);
    snapshot_reader_close(reader);
    return result;
}

static int replay_records(struct recovery *recovery, struct wal_reader *reader, struct err *err)
{
    uint64_t snapshot_lsn = recovery->in->manifest->snapshot_lsn;
    struct wal_batch batch;
    bool end = false;

    if (wal_reader_first_lsn(reader) > snapshot_lsn + 1) {
        return err_set(err, ERR_CORRUPT, "the log begins at lsn %" PRIu64 ", the snapshot ends at %" PRIu64,
                       wal_reader_first_lsn(reader), snapshot_lsn);
    }
    for (;;) {
        struct row_run run = {.segment = 0};
        uint64_t covered = 0;

        if (wal_reader_next_batch(reader, &batch, &end, err) != 0) {
            return -1;
        }
        if (end) {
            return 0;
        }
        if (batch.first_lsn <= snapshot_lsn) {
            recovery->covered_bytes = batch.offset;
            covered = snapshot_lsn + 1 - batch.first_lsn;
        }
        run.records = batch.records;
        run.record_count = batch.record_count;
        run.skip = covered < batch.record_count ? (uint32_t)covered : batch.record_count;
        run.segment = batch.segment;
        run.offset = batch.offset;
        run.lsn = batch.first_lsn;
        if (row_loader_add(recovery->loader, &run, wal_reader_buffer(reader), err) != 0) {
            return -1;
        }
    }
}

static int replay(struct recovery *recovery, struct err *err)
{
    const struct manifest *manifest = recovery->in->manifest;
    struct wal_reader *reader;
    uint64_t before;
    int result;

    if (wal_reader_open(recovery->in->fs, recovery->in->dir, manifest->store_uuid, manifest->first_segment, &reader,
                        err) != 0) {
        return -1;
    }
    before = row_loader_totals(recovery->loader)->records;
    result = finish_rows(recovery, replay_records(recovery, reader, err), err);
    recovery->end = *wal_reader_end(reader);
    wal_reader_close(reader);
    if (result != 0) {
        return -1;
    }
    recovery->out.report.records_replayed = row_loader_totals(recovery->loader)->records - before;
    recovery->out.report.last_lsn = recovery->end.position.next_lsn - 1;
    recovery->out.report.snapshot_lsn = manifest->snapshot_lsn;
    recovery->out.report.torn_bytes = recovery->end.torn_bytes;
    if (recovery->out.report.last_lsn < recovery->snapshot_end_lsn) {
        return err_set(err, ERR_CORRUPT, "the log ends at lsn %" PRIu64 ", but the snapshot has seen %" PRIu64,
                       recovery->out.report.last_lsn, recovery->snapshot_end_lsn);
    }
    return 0;
}

static void take_totals(struct recovery *recovery)
{
    const struct row_loader_totals *totals = row_loader_totals(recovery->loader);

    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        if (totals->last_ids[i] > recovery->out.last_ids[i]) {
            recovery->out.last_ids[i] = totals->last_ids[i];
        }
    }
    recovery->out.live_bytes = totals->live_bytes;
}

/* ---- putting in order: nothing above has changed a byte ---- */

static int remove_file(struct recovery *recovery, const char *name, struct err *err)
{
    struct data_dir_path path = data_dir_file(recovery->in->dir, name);

    return recovery->in->fs->remove(recovery->in->fs, path.text, err);
}

/* Removes what a crash left between two steps: whatever MANIFEST does not name. */
static int remove_leftovers(struct recovery *recovery, struct err *err)
{
    const struct manifest *manifest = recovery->in->manifest;

    wal_spare_expect(recovery->out.spare, (uint64_t)recovery->out.live_bytes);
    for (size_t i = 0; i < recovery->list.count; i++) {
        const struct data_dir_entry *entry = &recovery->list.entries[i];
        int result = 0;

        if (entry->kind == DATA_DIR_SPARE) {
            result = wal_spare_adopt(recovery->out.spare, entry->number, err);
        } else if (entry->kind == DATA_DIR_UNFINISHED ||
                   (entry->kind == DATA_DIR_SNAPSHOT && entry->number != manifest->snapshot_lsn) ||
                   (entry->kind == DATA_DIR_SEGMENT && entry->number < manifest->first_segment)) {
            result = remove_file(recovery, entry->name, err);
        }
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

/* Ends a segment whose successor is there already. */
static int end_segment(struct recovery *recovery, uint64_t number, uint64_t offset, uint64_t next_batch,
                       struct err *err)
{
    const struct fs *fs = recovery->in->fs;
    struct wal_segment_header header;
    struct wal_trailer trailer = {number + 1, next_batch};
    int file;
    int result;

    if (wal_segment_open(fs, recovery->in->dir, number, WAL_SEGMENT_APPEND_FLAGS, &file, &header, err) != 0) {
        return -1;
    }
    result = wal_segment_write_trailer(fs, file, header.crc, offset, &trailer, err);
    fs->close(fs, file);
    return result;
}

static struct wal_writer_options writer_options(const struct recovery *recovery)
{
    struct wal_writer_options options = {.fs = recovery->in->fs,
                                         .dir = recovery->in->dir,
                                         .store_uuid = recovery->in->manifest->store_uuid,
                                         .segment_bytes = recovery->in->segment_bytes,
                                         .spare = recovery->out.spare,
                                         .sealer = recovery->in->sealer};

    return options;
}

/* Makes the log ready: goes on where it ended in order, or begins a segment of a new epoch. An empty last segment is
 * replaced, so that starts that come to nothing do not pile up files. */
static int continue_log(struct recovery *recovery, struct err *err)
{
    const struct wal_end *end = &recovery->end;
    struct wal_writer_options options = writer_options(recovery);
    struct wal_position position = end->position;

    recovery->out.log_bytes = end->log_bytes - recovery->covered_bytes;
    if (end->untrailed_segment != 0 &&
        end_segment(recovery, end->untrailed_segment, end->untrailed_offset, end->untrailed_batch, err) != 0) {
        return -1;
    }
    if (end->clean) {
        return wal_writer_resume(&options, &position, &recovery->out.writer, err);
    }
    position.epoch++;
    position.segment += end->segment_empty ? 0 : 1;
    if (wal_writer_begin(&options, &position, &recovery->out.writer, err) != 0) {
        return -1;
    }
    if (!end->segment_empty) {
        recovery->out.log_bytes += end->segment_bytes - end->position.offset;
        return end_segment(recovery, end->position.segment, end->position.offset, end->position.next_batch, err);
    }
    return 0;
}

/* ---- a new store ---- */

/* Without MANIFEST only what the making of a store can leave may be there: a first segment without any batch. */
static int check_nothing_lost(struct recovery *recovery, struct err *err)
{
    const struct recovery_input *in = recovery->in;
    struct wal_segment_header header;
    struct wal_record record;
    struct wal_reader *reader;
    bool end = false;
    bool empty;
    int file;

    for (size_t i = 0; i < recovery->list.count; i++) {
        const struct data_dir_entry *entry = &recovery->list.entries[i];

        if (entry->kind == DATA_DIR_SNAPSHOT || (entry->kind == DATA_DIR_SEGMENT && entry->number != 1)) {
            return err_set(err, ERR_CORRUPT, "%s/MANIFEST is missing, though there is %s", in->dir, entry->name);
        }
    }
    if (recovery->list.count == 0 || recovery->list.entries[0].kind != DATA_DIR_SEGMENT) {
        return 0;
    }
    if (wal_segment_open(in->fs, in->dir, 1, WAL_SEGMENT_READ_FLAGS, &file, &header, err) != 0) {
        return -1;
    }
    in->fs->close(in->fs, file);
    if (wal_reader_open(in->fs, in->dir, header.store_uuid, 1, &reader, err) != 0) {
        return -1;
    }
    empty = wal_reader_next(reader, &record, &end, err) == 0 && end && wal_reader_end(reader)->batches == 0 &&
            wal_reader_end(reader)->torn_bytes == 0;
    wal_reader_close(reader);
    return empty ? 0 : err_set(err, ERR_CORRUPT, "%s/MANIFEST is missing, though segment 1 holds records", in->dir);
}

static int make_store(struct recovery *recovery, struct err *err)
{
    const struct recovery_input *in = recovery->in;
    struct wal_position position = {.epoch = 1, .segment = 1, .next_batch = 1, .next_lsn = 1};
    struct manifest manifest = {.first_segment = 1};
    struct wal_writer_options options;

    if (check_nothing_lost(recovery, err) != 0 || data_dir_random_id(manifest.store_uuid, err) != 0) {
        return -1;
    }
    *in->manifest = manifest;
    options = writer_options(recovery);
    if (data_dir_sync_name(in->fs, in->dir, err) != 0 || remove_leftovers(recovery, err) != 0 ||
        wal_writer_begin(&options, &position, &recovery->out.writer, err) != 0) {
        return -1;
    }
    return manifest_write(in->fs, in->dir, &manifest, err);
}

static int read_all(struct recovery *recovery, struct row_seals *ret_seals, struct err *err)
{
    const struct recovery_input *in = recovery->in;
    struct row_loader_input input = {.dir = in->dir,
                                     .snapshot_lsn = in->manifest->snapshot_lsn,
                                     .extract = in->extract,
                                     .tables = in->tables,
                                     .reclaim = in->reclaim,
                                     .keys = in->keys,
                                     .store_key = in->store_key};
    int result;

    if (row_loader_create(&input, &recovery->loader, err) != 0) {
        return -1;
    }
    result = load_snapshot(recovery, err) == 0 && replay(recovery, err) == 0 ? 0 : -1;
    take_totals(recovery);
    *ret_seals = row_loader_totals(recovery->loader)->seals;
    row_loader_destroy(recovery->loader);
    return result;
}

static bool count_locked(void *context, struct store_version *version)
{
    *(uint64_t *)context += store_version_is_locked(version) ? 1 : 0;
    return true;
}

/* A store that was sealed as a whole goes on being so, or somebody has to say that it shall not. Locked rows are counted
 * as they are now: some may have been deleted since. */
static int judge_seals(struct recovery *recovery, const struct row_seals *seals, struct err *err)
{
    const struct recovery_input *in = recovery->in;
    size_t names;

    if (seals->whole && !in->store_key) {
        return err_set(err, ERR_DENIED, "the store is sealed as a whole, and no key was named to go on with");
    }
    (void)keyring_names(in->keys, &names);
    recovery->out.wants_snapshot = keyring_has_aged(in->keys) || (in->store_key && seals->other) ||
                                   seals->runs > RUNS_PER_KEY_MAX * (names > 0 ? names : 1);
    for (uint32_t table = 1; seals->locked && table < STORE_TABLE_COUNT; table++) {
        uint64_t after = 0;

        while (
            table_scan_up(in->tables[table], &after, UINT32_MAX, count_locked, &recovery->out.report.locked[table])) {
        }
    }
    return 0;
}

static int open_store(struct recovery *recovery, struct err *err)
{
    struct row_seals seals;

    if (read_all(recovery, &seals, err) != 0 || judge_seals(recovery, &seals, err) != 0) {
        return -1;
    }
    return remove_leftovers(recovery, err) != 0 || continue_log(recovery, err) != 0 ? -1 : 0;
}

static int run(struct recovery *recovery, struct err *err)
{
    const struct recovery_input *in = recovery->in;
    struct err manifest_err = ERR_INIT;

    for (size_t i = 0; i < recovery->list.count; i++) {
        if (recovery->list.entries[i].kind == DATA_DIR_STRANGE) {
            return err_set(err, ERR_CORRUPT, "%s/%s is not a file of this store; move it elsewhere", in->dir,
                           recovery->list.entries[i].name);
        }
    }
    if (wal_spare_create(in->fs, in->dir, in->segment_bytes, &recovery->out.spare, err) != 0) {
        return -1;
    }
    if (manifest_read(in->fs, in->dir, in->manifest, &manifest_err) == 0) {
        return open_store(recovery, err);
    }
    if (manifest_err.code == ERR_NOT_FOUND) {
        return make_store(recovery, err);
    }
    *err = manifest_err;
    return -1;
}

int recovery_run(const struct recovery_input *input, struct recovery_result *ret_result, struct err *err)
{
    struct recovery recovery;
    int result;

    memset(&recovery, 0, sizeof recovery);
    recovery.in = input;
    if (data_dir_scan(input->fs, input->dir, &recovery.list, err) != 0) {
        return -1;
    }
    result = run(&recovery, err);
    data_dir_list_deinit(&recovery.list);
    if (result != 0) {
        wal_writer_close(recovery.out.writer);
        wal_spare_destroy(recovery.out.spare);
        return -1;
    }
    *ret_result = recovery.out;
    return 0;
}
