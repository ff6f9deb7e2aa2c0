#include "storage/wal_tool.h"

#include <inttypes.h>
#include <string.h>

#include "storage/data_dir.h"
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
};

static void print_record(const struct tool *tool, const struct wal_record *record)
{
    const char *format = tool->json ? "{\"lsn\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"segment\":\"%016" PRIx64
                                      ".wal\",\"offset\":%" PRIu64 ",\"table\":\"%s\",\"id\":\"%" PRIu64
                                      "\",\"bytes\":%zu,\"deleted\":%s}\n"
                                    : "lsn %" PRIu64 "  batch %" PRIu64 "  %016" PRIx64 ".wal:%" PRIu64 "  %s %" PRIu64
                                      "  %zu bytes%s\n";

    fprintf(tool->out, format, record->lsn, record->batch, record->segment, record->offset,
            tool_table_name(record->row.table), record->row.id, record->row.value.size,
            tool->json ? (record->row.deleted ? "true" : "false") : (record->row.deleted ? "  deleted" : ""));
}

static void see_row(void *context, const struct wal_row *row)
{
    struct tool *tool = context;

    if (tool->stat) {
        wal_stat_add(tool->stat, row, true);
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
    }
}

static int read_all(struct tool *tool, struct err *err)
{
    struct survey_visit visit = {tool, see_row, see_record};

    if (tool->stat) {
        wal_stat_reset(tool->stat);
    }
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
    if (read_patiently(&tool, &err) != 0) {
        code = report_failure(&tool, check, &err, error_out);
    } else if (check) {
        print_check(&tool);
    } else if (stat && wal_stat_print(&counts, dir, &tool.survey, json, out, &err) != 0) {
        code = report_failure(&tool, false, &err, error_out);
    }
    wal_stat_deinit(&counts);
    return code != TOOL_EXIT_SOUND ? code : tool_exit_flush(out);
}
