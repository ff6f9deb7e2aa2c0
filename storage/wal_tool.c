#include "storage/wal_tool.h"

#include <inttypes.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/row_opener.h"
#include "storage/survey.h"
#include "storage/tool_common.h"
#include "storage/wal_stat.h"

struct tool {
    const struct fs *fs;
    const char *dir;
    bool dump;
    bool json;
    FILE *out;
    struct manifest manifest;
    uint64_t printed_lsn;  /* dump: up to here, by an earlier attempt */
    struct wal_stat *stat; /* stat: what is counted; else NULL */
    struct survey survey;
    struct row_opener *opener; /* NULL: there are no keys */
    uint64_t opened_batch;     /* whose keys it has */
    uint64_t opened;           /* sealed rows, of the last attempt */
    uint64_t locked;
    struct err seal_failure; /* the first row that somebody has changed; code ERR_NONE: none */
};

/* ---- what is sealed ---- */

/* Opens a row, if there are keys; *ret_view is that of the row as it is where it cannot be opened. */
static void open_row(struct tool *tool, enum wal_seal_place place, uint64_t lsn, const struct wal_row *row,
                     struct row_view *ret_view)
{
    struct err err = ERR_INIT;

    *ret_view = (struct row_view){.kind = ROW_VIEW_LOCKED, .row = *row};
    if (!tool->opener || row->kind == WAL_ROW_PLAIN) {
        return;
    }
    if (row_opener_open(tool->opener, place, lsn, row, ret_view, &err) == 0) {
        tool->opened += ret_view->kind == ROW_VIEW_PLAIN ? 1 : 0;
        tool->locked += ret_view->kind == ROW_VIEW_LOCKED ? 1 : 0;
    } else if (err.code == ERR_DENIED) {
        tool->locked++;
    } else if (tool->seal_failure.code == ERR_NONE) {
        tool->seal_failure = err;
    }
}

static void open_record(struct tool *tool, const struct wal_record *record, struct row_view *ret_view)
{
    if (tool->opener && record->batch != tool->opened_batch) {
        row_opener_begin(tool->opener);
        tool->opened_batch = record->batch;
    }
    open_row(tool, WAL_SEAL_IN_LOG, record->lsn, &record->row, ret_view);
}

static void print_sealed(struct tool *tool, const struct wal_record *record)
{
    const struct wal_row *row = &record->row;
    const struct wal_seal_key *key = &row->of.seal_key;
    struct row_view view;

    open_record(tool, record, &view);
    fprintf(tool->out,
            tool->json ? "{\"lsn\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"segment\":\"%016" PRIx64
                         ".wal\",\"offset\":%" PRIu64 ","
                       : "lsn %" PRIu64 "  batch %" PRIu64 "  %016" PRIx64 ".wal:%" PRIu64 "  ",
            record->lsn, record->batch, record->segment, record->offset);
    if (row->kind == WAL_ROW_SEAL_KEY) {
        fprintf(tool->out,
                tool->json ? "\"table\":\"seal_key\",\"name\":\"%.*s\",\"version\":\"%.*s\"}\n"
                           : "seal key %.*s version %.*s\n",
                SPAN_FORMAT(key->name), SPAN_FORMAT(key->version));
        return;
    }
    fprintf(tool->out,
            tool->json ? "\"table\":\"%s\",\"id\":\"%" PRIu64 "\",\"bytes\":%zu,\"deleted\":false,\"sealed\":%s}\n"
                       : "%s %" PRIu64 "  %zu bytes  %s\n",
            tool_table_name(row->table), row->id, view.row.value.size,
            view.kind == ROW_VIEW_PLAIN ? (tool->json ? "false" : "opened") : (tool->json ? "true" : "sealed"));
}

static void print_record(struct tool *tool, const struct wal_record *record)
{
    const char *format = tool->json ? "{\"lsn\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"segment\":\"%016" PRIx64
                                      ".wal\",\"offset\":%" PRIu64 ",\"table\":\"%s\",\"id\":\"%" PRIu64
                                      "\",\"bytes\":%zu,\"deleted\":%s}\n"
                                    : "lsn %" PRIu64 "  batch %" PRIu64 "  %016" PRIx64 ".wal:%" PRIu64 "  %s %" PRIu64
                                      "  %zu bytes%s\n";

    if (record->row.kind != WAL_ROW_PLAIN) {
        print_sealed(tool, record);
        return;
    }
    fprintf(tool->out, format, record->lsn, record->batch, record->segment, record->offset,
            tool_table_name(record->row.table), record->row.id, record->row.value.size,
            tool->json ? (record->row.deleted ? "true" : "false") : (record->row.deleted ? "  deleted" : ""));
}

static void see_row(void *context, const struct wal_row *row)
{
    struct tool *tool = context;
    struct row_view view;

    if (tool->stat) {
        wal_stat_add(tool->stat, row, true);
    } else {
        open_row(tool, WAL_SEAL_IN_SNAPSHOT, tool->manifest.snapshot_lsn, row, &view);
    }
}

static void see_record(void *context, const struct wal_record *record)
{
    struct tool *tool = context;

    if (tool->dump && record->lsn > tool->printed_lsn) {
        print_record(tool, record);
        tool->printed_lsn = record->lsn;
    } else if (tool->stat) {
        wal_stat_add(tool->stat, &record->row, false);
    } else if (!tool->dump) {
        struct row_view view;

        open_record(tool, record, &view);
    }
}

static int read_all(struct tool *tool, struct err *err)
{
    struct survey_visit visit = {tool, see_row, see_record};

    if (tool->stat) {
        wal_stat_reset(tool->stat);
    }
    tool->opened = 0;
    tool->locked = 0;
    /* A dump is of the log; a damaged snapshot shall not keep it from being read. */
    return survey_read(tool->fs, tool->dir, tool->dump ? SURVEY_LOG : SURVEY_ALL, &visit, &tool->manifest,
                       &tool->survey, err);
}

static int read_patiently(struct tool *tool, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        if (read_all(tool, err) == 0) {
            return 0;
        }
        if (attempt == SURVEY_ATTEMPTS || !survey_has_moved_on(tool->fs, tool->dir, &tool->manifest)) {
            return -1;
        }
    }
}

static uint64_t last_lsn(const struct tool *tool)
{
    return tool->survey.end.position.next_lsn - 1;
}

static void print_end(const struct tool *tool, char *text, size_t size)
{
    const struct wal_end *end = &tool->survey.end;

    if (end->torn_bytes > 0) {
        snprintf(text, size, "a torn tail of %" PRIu64 " bytes, never acknowledged, at %016" PRIx64 ".wal:%" PRIu64,
                 end->torn_bytes, end->position.segment, end->position.offset);
    } else {
        snprintf(text, size, "%s", end->clean ? "an orderly end" : "an open end (running, or stopped without notice)");
    }
}

static void print_check(const struct tool *tool)
{
    char end[160];

    print_end(tool, end, sizeof end);
    fprintf(tool->out,
            "sound: %" PRIu64 " records (lsn %" PRIu64 " to %" PRIu64 ") in %" PRIu64 " batches and %" PRIu64
            " segments, %" PRIu64 " snapshot rows, %s\n",
            tool->survey.end.records, tool->survey.first_lsn, last_lsn(tool), tool->survey.end.batches,
            tool->survey.end.segments, tool->survey.snapshot_rows, end);
    if (tool->opener) {
        fprintf(tool->out, "sealed: %" PRIu64 " rows opened, %" PRIu64 " whose keys are not here\n", tool->opened,
                tool->locked);
    }
}

static int report_failure(const struct tool *tool, bool check, const struct err *err, FILE *error_out)
{
    int code = tool_exit_code(err);

    if (check && code == TOOL_EXIT_CORRUPT) {
        fprintf(tool->out, "%s: %s\n", err->code == ERR_CORRUPT ? "corrupt" : "unsupported", err->text);
    } else if (code == TOOL_EXIT_USAGE) {
        fprintf(error_out, "customjobd: %s is not a data directory: %s\n", tool->dir, err->text);
    } else {
        fprintf(error_out, "customjobd: %s\n", err->text);
    }
    return code;
}

int wal_tool_run(const struct fs *fs, const char *verb, const char *dir, bool json, FILE *out, FILE *error_out)
{
    return wal_tool_run_with_keys(fs, verb, dir, NULL, json, out, error_out);
}

int wal_tool_run_with_keys(const struct fs *fs, const char *verb, const char *dir, struct keyring *keys, bool json,
                           FILE *out, FILE *error_out)
{
    bool dump = strcmp(verb, "dump") == 0;
    bool check = strcmp(verb, "check") == 0;
    bool stat = strcmp(verb, "stat") == 0;
    struct tool tool = {.fs = fs, .dir = dir, .dump = dump, .json = json, .out = out};
    struct wal_stat counts = WAL_STAT_INIT;
    struct err err = ERR_INIT;
    int code = TOOL_EXIT_SOUND;

    if ((!dump && !check && !stat) || strlen(dir) == 0 || strlen(dir) > DATA_DIR_BYTES_MAX) {
        fprintf(error_out, "customjobd: usage: customjobd wal dump|check|stat DIR\n");
        return TOOL_EXIT_USAGE;
    }
    tool.stat = stat ? &counts : NULL;
    if ((keys && row_opener_create(keys, &tool.opener, &err) != 0) || read_patiently(&tool, &err) != 0) {
        code = report_failure(&tool, check, &err, error_out);
    } else if (tool.seal_failure.code != ERR_NONE) {
        code = report_failure(&tool, check, &tool.seal_failure, error_out);
    } else if (check) {
        print_check(&tool);
    } else if (stat && wal_stat_print(&counts, dir, &tool.survey, json, out, &err) != 0) {
        code = report_failure(&tool, false, &err, error_out);
    }
    row_opener_destroy(tool.opener);
    wal_stat_deinit(&counts);
    return code != TOOL_EXIT_SOUND ? code : tool_exit_flush(out);
}
