#include "storage/survey.h"

#include <inttypes.h>
#include <string.h>

#include "storage/snapshot.h"

static int read_rows(struct snapshot_reader *reader, const struct survey_visit *visit, struct survey *survey,
                     struct err *err)
{
    if (snapshot_reader_visit(reader, visit ? visit->row : NULL, visit ? visit->context : NULL, &survey->snapshot_rows,
                              err) != 0) {
        return -1;
    }
    survey->snapshot_bytes = snapshot_reader_bytes(reader);
    survey->snapshot_end_lsn = snapshot_reader_end_lsn(reader);
    return 0;
}

static int read_snapshot(const struct fs *fs, const char *dir, const struct survey_visit *visit, struct survey *survey,
                         struct err *err)
{
    const struct manifest *manifest = &survey->manifest;
    struct snapshot_reader *reader;
    int result;

    if (manifest->snapshot_lsn == 0) {
        return 0;
    }
    if (snapshot_reader_open(fs, dir, manifest->store_uuid, manifest->snapshot_lsn, &reader, err) != 0) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_CORRUPT : err->code;
        return err_wrap(err, "the snapshot that MANIFEST names");
    }
    result = read_rows(reader, visit, survey, err);
    snapshot_reader_close(reader);
    return result;
}

static int read_records(struct wal_reader *reader, const struct survey_visit *visit, struct err *err)
{
    struct wal_record record;
    bool end = false;

    for (;;) {
        if (wal_reader_next(reader, &record, &end, err) != 0) {
            return -1;
        }
        if (end) {
            return 0;
        }
        if (visit && visit->record) {
            visit->record(visit->context, &record);
        }
    }
}

static int read_log(const struct fs *fs, const char *dir, const struct survey_visit *visit, struct survey *survey,
                    struct err *err)
{
    struct wal_reader *reader;
    int result;

    if (wal_reader_open(fs, dir, survey->manifest.store_uuid, survey->manifest.first_segment, &reader, err) != 0) {
        return -1;
    }
    survey->first_lsn = wal_reader_first_lsn(reader);
    result = read_records(reader, visit, err);
    survey->end = *wal_reader_end(reader);
    wal_reader_close(reader);
    return result;
}

/* The two must meet: each is sound by itself also when a file of another time was put beside it. */
static int check_meeting(const struct survey *survey, struct err *err)
{
    uint64_t last_lsn = survey->end.position.next_lsn - 1;

    if (survey->first_lsn > survey->manifest.snapshot_lsn + 1) {
        return err_set(err, ERR_CORRUPT, "the log begins at lsn %" PRIu64 ", the snapshot ends at %" PRIu64,
                       survey->first_lsn, survey->manifest.snapshot_lsn);
    }
    if (last_lsn < survey->snapshot_end_lsn) {
        return err_set(err, ERR_CORRUPT, "the log ends at lsn %" PRIu64 ", but the snapshot has seen %" PRIu64,
                       last_lsn, survey->snapshot_end_lsn);
    }
    return 0;
}

int survey_read_as(const struct fs *fs, const char *dir, const struct manifest *manifest, unsigned parts,
                   const struct survey_visit *visit, struct survey *ret_survey, struct err *err)
{
    struct survey survey;

    memset(&survey, 0, sizeof survey);
    survey.manifest = *manifest;
    if (((parts & SURVEY_SNAPSHOT) && read_snapshot(fs, dir, visit, &survey, err) != 0) ||
        ((parts & SURVEY_LOG) && read_log(fs, dir, visit, &survey, err) != 0) ||
        (parts == SURVEY_ALL && check_meeting(&survey, err) != 0)) {
        return -1;
    }
    *ret_survey = survey;
    return 0;
}

int survey_read(const struct fs *fs, const char *dir, unsigned parts, const struct survey_visit *visit,
                struct manifest *ret_manifest, struct survey *ret_survey, struct err *err)
{
    memset(ret_manifest, 0, sizeof *ret_manifest);
    if (manifest_read(fs, dir, ret_manifest, err) != 0) {
        return -1;
    }
    return survey_read_as(fs, dir, ret_manifest, parts, visit, ret_survey, err);
}

bool survey_has_moved_on(const struct fs *fs, const char *dir, const struct manifest *manifest)
{
    struct err ignored = ERR_INIT;
    struct manifest now;

    return manifest_read(fs, dir, &now, &ignored) == 0 &&
           (now.first_segment != manifest->first_segment || now.snapshot_lsn != manifest->snapshot_lsn);
}
