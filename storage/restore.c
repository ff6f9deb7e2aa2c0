#include <inttypes.h>
#include <string.h>

#include "storage/backup.h"
#include "storage/backup_private.h"
#include "storage/rebrand.h"
#include "storage/wal_segment.h"

#define RESTORING "RESTORING"
#define RESTORED "RESTORED"

struct restore {
    const struct fs *fs;
    const char *from;
    const char *dir;
    struct copy_watch *watch;
    struct survey found;      /* of the backup */
    struct manifest manifest; /* the new one */
};

/* A file that cannot be looked at is not taken for one that is not there. */
static int look_for(const struct fs *fs, const char *dir, const char *name, bool *ret_there, struct err *err)
{
    struct data_dir_path path = data_dir_file(dir, name);
    struct err open_err = ERR_INIT;
    int file;

    if (fs->open(fs, path.text, FS_READ, &file, &open_err) == 0) {
        fs->close(fs, file);
        *ret_there = true;
        return 0;
    }
    if (open_err.code != ERR_NOT_FOUND) {
        *err = open_err;
        return -1;
    }
    *ret_there = false;
    return 0;
}

/* ---- the backup ---- */

static int read_label(struct restore *restore, struct backup_label *label, struct err *err)
{
    const char *from = restore->from;

    if (strlen(from) == 0 || strlen(from) > DATA_DIR_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "a directory's name must have 1 to %d bytes", DATA_DIR_BYTES_MAX);
    }
    if (backup_label_read(restore->fs, from, label, err) == 0) {
        return 0;
    }
    return err->code == ERR_NOT_FOUND
               ? err_set(err, ERR_INVALID, "%s is no backup, or one that was not finished: it has no file BACKUP", from)
               : -1;
}

static int check_backup(struct restore *restore, const struct backup_label *label, struct err *err)
{
    const struct wal_position *end = &restore->found.end.position;
    struct manifest manifest;

    if (survey_read(restore->fs, restore->from, SURVEY_ALL, NULL, &manifest, &restore->found, err) != 0) {
        if (err->code == ERR_NOT_FOUND) {
            return err_set(err, ERR_INVALID, "%s is a backup that was not finished: it has no file MANIFEST",
                           restore->from);
        }
        return err_wrap(err, "the backup %s cannot be trusted", restore->from);
    }
    if (memcmp(manifest.store_uuid, label->store_uuid, WAL_ID_BYTES) != 0 ||
        manifest.snapshot_lsn != label->snapshot_lsn || manifest.first_segment != label->first_segment ||
        end->segment != label->last_segment || end->epoch != label->epoch || end->next_batch != label->last_batch + 1 ||
        end->next_lsn != label->last_lsn + 1 || end->chain != label->chain) {
        return err_set(err, ERR_CORRUPT,
                       "the backup %s cannot be trusted: BACKUP tells of lsn %" PRIu64
                       " at its end, and its log ends at "
                       "%" PRIu64,
                       restore->from, label->last_lsn, end->next_lsn - 1);
    }
    return 0;
}

/* ---- the new store ---- */

/* With which batch the segment behind this one begins. */
static int next_batch_of(const struct restore *restore, uint64_t number, uint64_t *ret_batch, struct err *err)
{
    const struct wal_position *end = &restore->found.end.position;
    struct wal_segment_header next;
    int file;

    if (number == end->segment) {
        *ret_batch = end->next_batch;
        return 0;
    }
    if (wal_segment_open(restore->fs, restore->from, number + 1, WAL_SEGMENT_READ_FLAGS, &file, &next, err) != 0) {
        return -1;
    }
    restore->fs->close(restore->fs, file);
    *ret_batch = next.first_batch;
    return 0;
}

static int write_log(const struct restore *restore, const struct rebrand *rebrand, struct err *err)
{
    for (uint64_t number = restore->manifest.first_segment; number <= restore->found.end.position.segment; number++) {
        uint64_t next_batch;

        if (next_batch_of(restore, number, &next_batch, err) != 0 ||
            rebrand_segment(rebrand, number, next_batch, err) != 0) {
            return -1;
        }
    }
    return restore->fs->sync_dir(restore->fs, restore->dir, err);
}

/* An empty segment of the next epoch: whatever is written from now on is written under an id that the store the backup
 * was taken of will never have. */
static int begin_epoch(const struct restore *restore, struct err *err)
{
    const struct wal_position *end = &restore->found.end.position;
    struct wal_segment_header header = {.version = WAL_VERSION,
                                        .epoch = end->epoch + 1,
                                        .number = end->segment + 1,
                                        .segment_bytes = WAL_SEGMENT_BYTES_MIN,
                                        .first_lsn = end->next_lsn,
                                        .first_batch = end->next_batch,
                                        .chain = end->chain};
    int file;

    memcpy(header.store_uuid, restore->manifest.store_uuid, WAL_ID_BYTES);
    if (wal_segment_create(restore->fs, restore->dir, NULL, &header, &file, err) != 0) {
        return -1;
    }
    restore->fs->close(restore->fs, file);
    return 0;
}

static int write_store(struct restore *restore, struct err *err)
{
    struct rebrand rebrand = {.fs = restore->fs,
                              .from = restore->from,
                              .to = restore->dir,
                              .store_uuid = restore->manifest.store_uuid,
                              .watch = restore->watch};

    if (restore->manifest.snapshot_lsn != 0 && rebrand_snapshot(&rebrand, restore->manifest.snapshot_lsn, err) != 0) {
        return -1;
    }
    return write_log(restore, &rebrand, err) != 0 || begin_epoch(restore, err) != 0 ? -1 : 0;
}

/* Read back from the disk by the reader of a start. */
static int check_store(const struct restore *restore, struct survey *ret_survey, struct err *err)
{
    const struct wal_end *found = &restore->found.end;
    struct survey survey;

    if (survey_read_as(restore->fs, restore->dir, &restore->manifest, SURVEY_ALL, NULL, &survey, err) != 0) {
        return err_wrap(err, "what was restored does not read");
    }
    if (survey.snapshot_rows != restore->found.snapshot_rows || survey.end.records != found->records ||
        survey.end.position.next_lsn != found->position.next_lsn ||
        survey.end.position.chain != found->position.chain) {
        return err_set(err, ERR_CORRUPT,
                       "what was restored is not what the backup holds: the disk of %s is not to be "
                       "trusted",
                       restore->dir);
    }
    *ret_survey = survey;
    return 0;
}

static int publish_store(const struct restore *restore, struct err *err)
{
    struct data_dir_path from = data_dir_file(restore->dir, RESTORING);
    struct data_dir_path to = data_dir_file(restore->dir, RESTORED);

    if (manifest_write(restore->fs, restore->dir, &restore->manifest, err) != 0) {
        return -1;
    }
    return data_dir_publish(restore->fs, restore->dir, &from, &to, err);
}

static int fill(struct restore *restore, struct survey *ret_survey, struct err *err)
{
    restore->manifest = restore->found.manifest;
    restore->watch->done_bytes = 0;
    restore->watch->total_bytes = restore->found.end.log_bytes + restore->found.snapshot_bytes;
    if (backup_claim_dir(restore->fs, restore->dir, err) != 0 ||
        backup_check_room(restore->fs, restore->dir, restore->watch->total_bytes, err) != 0 ||
        data_dir_random_id(restore->manifest.store_uuid, err) != 0 ||
        file_out_text(restore->fs, restore->dir, RESTORING,
                      "A restore into this directory has not finished. Remove what is here and restore again.\n",
                      err) != 0) {
        return -1;
    }
    return write_store(restore, err) != 0 || check_store(restore, ret_survey, err) != 0 ||
                   publish_store(restore, err) != 0
               ? -1
               : 0;
}

int backup_restore(const struct fs *fs, const char *from, const char *dir, struct copy_watch *watch,
                   struct backup_report *ret_report, struct err *err)
{
    struct restore restore = {.fs = fs, .from = from, .dir = dir, .watch = watch};
    struct backup_report report = {.attempts = 1};
    struct data_dir_path lock;
    int lock_file;
    int result;

    if (read_label(&restore, &report.label, err) != 0 || check_backup(&restore, &report.label, err) != 0 ||
        backup_claim_dir(fs, dir, err) != 0) {
        return -1;
    }
    lock = data_dir_file(dir, "lock");
    if (fs->lock(fs, lock.text, &lock_file, err) != 0) {
        return -1;
    }
    result = fill(&restore, &report.survey, err);
    fs->close(fs, lock_file);
    if (result != 0) {
        return -1;
    }
    report.bytes = watch->done_bytes;
    *ret_report = report;
    return 0;
}

/* ---- what a start asks ---- */

int backup_check_startable(const struct fs *fs, const char *dir, struct err *err)
{
    bool is_backup;
    bool is_restoring;

    if (look_for(fs, dir, "BACKUP", &is_backup, err) != 0 || look_for(fs, dir, RESTORING, &is_restoring, err) != 0) {
        return -1;
    }
    if (is_backup) {
        return err_set(err, ERR_CORRUPT,
                       "%s is a backup, and stays one: `customjobd restore %s DIR` makes a data directory of it", dir,
                       dir);
    }
    if (is_restoring) {
        return err_set(err, ERR_CORRUPT, "a restore into %s has not finished; remove what is in it and restore again",
                       dir);
    }
    return 0;
}

int backup_is_restored(const struct fs *fs, const char *dir, bool *ret_restored, struct err *err)
{
    return look_for(fs, dir, RESTORED, ret_restored, err);
}

int backup_note_started(const struct fs *fs, const char *dir, struct err *err)
{
    struct data_dir_path path = data_dir_file(dir, RESTORED);

    if (fs->remove(fs, path.text, err) != 0) {
        return -1;
    }
    return fs->sync_dir(fs, dir, err);
}
