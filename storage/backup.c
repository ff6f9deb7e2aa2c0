#include "storage/backup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "storage/backup_private.h"
#include "storage/wal_segment.h"
#include "storage/wal_window.h"

#define COPY_BYTES (1024u * 1024)

struct copy {
    const struct fs *fs;
    const char *from;
    const char *to;
    struct copy_watch *watch;
    struct manifest manifest; /* of the original, when this attempt began */
    struct survey found;      /* of the original's log */
    int snapshot_file;        /* -1: none. Held open: it may be removed before it is read */
    uint64_t snapshot_bytes;
};

/* ---- the two directories ---- */

static void visit_name(void *context, const char *name)
{
    const char **stranger = context;
    static const char *const harmless[] = {"lock", "lost+found"};

    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (strcmp(name, harmless[i]) == 0) {
            return;
        }
    }
    if (!*stranger) {
        *stranger = strcmp(name, "RESTORING") == 0 ? "what a restore left that did not finish" : "files";
    }
}

int backup_claim_dir(const struct fs *fs, const char *dir, struct err *err)
{
    const char *stranger = NULL;

    if (strlen(dir) == 0 || strlen(dir) > DATA_DIR_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "a directory's name must have 1 to %d bytes", DATA_DIR_BYTES_MAX);
    }
    if (fs->make_dir(fs, dir, err) != 0 || data_dir_sync_name(fs, dir, err) != 0 ||
        fs->list(fs, dir, visit_name, &stranger, err) != 0) {
        return -1;
    }
    return stranger ? err_set(err, ERR_INVALID, "%s holds %s; name one that is empty or not there", dir, stranger) : 0;
}

int backup_check_room(const struct fs *fs, const char *dir, uint64_t bytes, struct err *err)
{
    uint64_t free_bytes;

    if (fs->free_bytes(fs, dir, &free_bytes, err) != 0) {
        return -1;
    }
    return free_bytes >= bytes
               ? 0
               : err_set(err, ERR_EXHAUSTED, "the file system of %s has %" PRIu64 " bytes free, %" PRIu64 " are needed",
                         dir, free_bytes, bytes);
}

/* Best effort: of an attempt that failed. */
static void remove_copies(const struct copy *copy)
{
    struct err ignored = ERR_INIT;
    struct data_dir_list list;
    struct data_dir_path path;

    if (data_dir_scan(copy->fs, copy->to, &list, &ignored) != 0) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        path = data_dir_file(copy->to, list.entries[i].name);
        (void)copy->fs->remove(copy->fs, path.text, &ignored);
    }
    data_dir_list_deinit(&list);
    path = data_dir_file(copy->to, "MANIFEST");
    (void)copy->fs->remove(copy->fs, path.text, &ignored);
    path = data_dir_file(copy->to, "BACKUP");
    (void)copy->fs->remove(copy->fs, path.text, &ignored);
}

/* ---- copying ---- */

/* bytes of the opened file into a new one of total bytes. */
static int copy_bytes(struct copy *copy, int file, uint64_t bytes, uint64_t total, const struct data_dir_path *to,
                      struct err *err)
{
    struct wal_window window = {.fs = copy->fs, .file = file, .file_bytes = bytes};
    struct file_out out;
    int result = 0;

    if (file_out_open(copy->fs, to->text, copy->watch, &out, err) != 0) {
        return -1;
    }
    for (uint64_t at = 0; result == 0 && at < bytes;) {
        size_t size = bytes - at < COPY_BYTES ? (size_t)(bytes - at) : COPY_BYTES;
        const char *data;

        result = wal_window_load(&window, at, size, &data, err) != 0 || file_out_append(&out, data, size, err) != 0;
        at += size;
    }
    if (result == 0) {
        result = file_out_finish(&out, total, err);
    }
    file_out_drop(&out);
    wal_window_deinit(&window);
    return result == 0 ? 0 : -1;
}

/* Whether the file is still the segment that was opened. A recycled file gets its new header before any other byte of
 * its new life, so that what was read before a header that has not changed is of the old one. */
static int check_same(const struct copy *copy, int file, const struct wal_segment_header *header, struct err *err)
{
    char *block = wal_segment_buffer(WAL_BLOCK_BYTES);
    struct wal_segment_header now;
    size_t size = 0;
    int result = -1;

    if (!block) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a segment header");
    }
    if (copy->fs->read_at(copy->fs, file, block, WAL_BLOCK_BYTES, 0, &size, err) == 0) {
        result = size == WAL_BLOCK_BYTES && wal_segment_header_decode(block, &now, err) == 0 && now.crc == header->crc
                     ? 0
                     : err_set(err, ERR_UNAVAILABLE, "segment %016" PRIx64 " was recycled while it was copied",
                               header->number);
    }
    free(block);
    return result;
}

static int copy_segment(struct copy *copy, uint64_t number, struct err *err)
{
    const struct wal_position *end = &copy->found.end.position;
    struct data_dir_path to = data_dir_segment(copy->to, number);
    struct wal_segment_header header;
    int file;
    int result;

    if (wal_segment_open(copy->fs, copy->from, number, WAL_SEGMENT_READ_FLAGS, &file, &header, err) != 0) {
        return -1;
    }
    /* Of the last one nothing behind the batch found last: what is being written there may be seen out of order. */
    result = copy_bytes(copy, file, number == end->segment ? end->offset : header.segment_bytes, header.segment_bytes,
                        &to, err);
    if (result == 0) {
        result = check_same(copy, file, &header, err);
    }
    copy->fs->close(copy->fs, file);
    return result;
}

static int open_snapshot(struct copy *copy, struct err *err)
{
    struct data_dir_path path = data_dir_snapshot(copy->from, copy->manifest.snapshot_lsn);

    copy->snapshot_bytes = 0;
    if (copy->manifest.snapshot_lsn == 0) {
        return 0;
    }
    if (copy->fs->open(copy->fs, path.text, WAL_SEGMENT_READ_FLAGS, &copy->snapshot_file, err) != 0) {
        copy->snapshot_file = -1;
        err->code = err->code == ERR_NOT_FOUND ? ERR_CORRUPT : err->code;
        return err_wrap(err, "the snapshot that MANIFEST names");
    }
    return copy->fs->size(copy->fs, copy->snapshot_file, &copy->snapshot_bytes, err);
}

static int copy_snapshot(struct copy *copy, struct err *err)
{
    struct data_dir_path to = data_dir_snapshot(copy->to, copy->manifest.snapshot_lsn);

    if (copy->snapshot_file < 0) {
        return 0;
    }
    return copy_bytes(copy, copy->snapshot_file, copy->snapshot_bytes, copy->snapshot_bytes, &to, err);
}

/* The log first: it is what can be recycled under the copier. */
static int copy_files(struct copy *copy, struct err *err)
{
    for (uint64_t number = copy->manifest.first_segment; number <= copy->found.end.position.segment; number++) {
        if (copy_segment(copy, number, err) != 0) {
            return -1;
        }
    }
    return copy_snapshot(copy, err);
}

static bool same_end(const struct wal_position *left, const struct wal_position *right)
{
    return left->segment == right->segment && left->offset == right->offset && left->epoch == right->epoch &&
           left->next_batch == right->next_batch && left->next_lsn == right->next_lsn && left->chain == right->chain;
}

/* ---- an attempt ---- */

static int try_copy(struct copy *copy, struct survey *ret_survey, struct err *err)
{
    struct survey survey;

    memset(&copy->manifest, 0, sizeof copy->manifest);
    if (manifest_read(copy->fs, copy->from, &copy->manifest, err) != 0 || open_snapshot(copy, err) != 0 ||
        survey_read_as(copy->fs, copy->from, &copy->manifest, SURVEY_LOG, NULL, &copy->found, err) != 0) {
        return -1;
    }
    copy->watch->done_bytes = 0;
    copy->watch->total_bytes = copy->found.end.log_bytes + copy->snapshot_bytes;
    if (backup_check_room(copy->fs, copy->to, copy->watch->total_bytes, err) != 0 || copy_files(copy, err) != 0 ||
        copy->fs->sync_dir(copy->fs, copy->to, err) != 0 ||
        survey_read_as(copy->fs, copy->to, &copy->manifest, SURVEY_ALL, NULL, &survey, err) != 0) {
        return -1;
    }
    if (!same_end(&survey.end.position, &copy->found.end.position)) {
        return err_set(err, ERR_CORRUPT, "the copy in %s ends elsewhere than the log did when it was read", copy->to);
    }
    *ret_survey = survey;
    return 0;
}

static void end_attempt(struct copy *copy, bool failed)
{
    if (copy->snapshot_file >= 0) {
        copy->fs->close(copy->fs, copy->snapshot_file);
        copy->snapshot_file = -1;
    }
    if (failed) {
        remove_copies(copy);
    }
}

static int copy_patiently(struct copy *copy, struct backup_report *report, struct err *err)
{
    for (unsigned attempt = 1;; attempt++) {
        int result = try_copy(copy, &report->survey, err);

        end_attempt(copy, result != 0);
        if (result == 0) {
            report->attempts = attempt;
            return 0;
        }
        if ((err->code != ERR_CORRUPT && err->code != ERR_NOT_FOUND && err->code != ERR_UNAVAILABLE) ||
            !survey_has_moved_on(copy->fs, copy->from, &copy->manifest)) {
            return -1;
        }
        if (attempt == SURVEY_ATTEMPTS) {
            err->code = ERR_UNAVAILABLE;
            return err_wrap(err, "the server took a snapshot during each of %d attempts; try at a quieter time",
                            SURVEY_ATTEMPTS);
        }
    }
}

static struct backup_label label_of(const struct survey *survey, int64_t time_unix_ns)
{
    const struct wal_position *end = &survey->end.position;
    struct backup_label label = {.time_unix_ns = time_unix_ns,
                                 .snapshot_lsn = survey->manifest.snapshot_lsn,
                                 .first_segment = survey->manifest.first_segment,
                                 .last_segment = end->segment,
                                 .epoch = end->epoch,
                                 .last_batch = end->next_batch - 1,
                                 .last_lsn = end->next_lsn - 1,
                                 .chain = end->chain};

    memcpy(label.store_uuid, survey->manifest.store_uuid, WAL_ID_BYTES);
    return label;
}

int backup_make(const struct fs *fs, const char *dir, const char *to, struct copy_watch *watch,
                struct backup_report *ret_report, struct err *err)
{
    struct copy copy = {.fs = fs, .from = dir, .to = to, .watch = watch, .snapshot_file = -1};
    struct backup_report report = {.attempts = 0};
    struct err manifest_err = ERR_INIT;
    int64_t begun = clock_wall_unix_ns(clock_system());

    if (strlen(dir) == 0 || strlen(dir) > DATA_DIR_BYTES_MAX ||
        manifest_read(fs, dir, &copy.manifest, &manifest_err) != 0) {
        if (manifest_err.code != ERR_NONE && manifest_err.code != ERR_NOT_FOUND) {
            *err = manifest_err;
            return -1;
        }
        return err_set(err, ERR_INVALID, "%s is not a data directory", dir);
    }
    if (backup_claim_dir(fs, to, err) != 0 || copy_patiently(&copy, &report, err) != 0) {
        return -1;
    }
    report.label = label_of(&report.survey, begun);
    report.bytes = watch->done_bytes;
    /* In this order: with MANIFEST and without BACKUP it would pass for the store that it is a copy of. */
    if (backup_label_write(fs, to, &report.label, err) != 0 ||
        manifest_write(fs, to, &report.survey.manifest, err) != 0) {
        remove_copies(&copy);
        return -1;
    }
    *ret_report = report;
    return 0;
}
