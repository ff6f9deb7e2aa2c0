#include "storage/snapshot_tool.h"

#include <inttypes.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/snapshot.h"
#include "storage/survey.h"
#include "storage/tool_common.h"

struct tool {
    const struct fs *fs;
    const char *path;
    bool dump;
    bool json;
    FILE *out;
    bool is_dir;
    struct manifest manifest; /* of a directory */
    struct snapshot_head head;
    uint64_t rows;
    uint64_t bytes;
    uint64_t end_lsn;
};

static void print_row(void *context, const struct wal_row *row)
{
    const struct tool *tool = context;

    fprintf(tool->out,
            tool->json ? "{\"table\":\"%s\",\"id\":\"%" PRIu64 "\",\"bytes\":%zu}\n" : "%s %" PRIu64 "  %zu bytes\n",
            tool_table_name(row->table), row->id, row->value.size);
}

static int open_reader(struct tool *tool, struct snapshot_reader **ret_reader, struct err *err)
{
    struct err manifest_err = ERR_INIT;
    struct data_dir_path path = data_dir_file(tool->path, "MANIFEST");
    int file;

    tool->is_dir = tool->fs->open(tool->fs, path.text, FS_READ, &file, &manifest_err) == 0;
    if (!tool->is_dir) {
        return snapshot_reader_open_file(tool->fs, tool->path, ret_reader, err);
    }
    tool->fs->close(tool->fs, file);
    if (manifest_read(tool->fs, tool->path, &tool->manifest, err) != 0) {
        return -1;
    }
    if (tool->manifest.snapshot_lsn == 0) {
        return err_set(err, ERR_INVALID, "%s has no snapshot yet: all rows stand in its log", tool->path);
    }
    return snapshot_reader_open(tool->fs, tool->path, tool->manifest.store_uuid, tool->manifest.snapshot_lsn,
                                ret_reader, err);
}

static int read_rows(struct tool *tool, struct snapshot_reader *reader, struct err *err)
{
    if (snapshot_reader_visit(reader, tool->dump ? print_row : NULL, tool, &tool->rows, err) != 0) {
        return -1;
    }
    tool->head = *snapshot_reader_head(reader);
    tool->bytes = snapshot_reader_bytes(reader);
    tool->end_lsn = snapshot_reader_end_lsn(reader);
    return 0;
}

/* A running server may put a newer snapshot in its place between MANIFEST and this. Once open it stays readable. */
static int open_patiently(struct tool *tool, struct snapshot_reader **ret_reader, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        if (open_reader(tool, ret_reader, err) == 0) {
            return 0;
        }
        if (!tool->is_dir || attempt == SURVEY_ATTEMPTS ||
            !survey_has_moved_on(tool->fs, tool->path, &tool->manifest)) {
            return -1;
        }
    }
}

static int read_snapshot(struct tool *tool, struct err *err)
{
    struct snapshot_reader *reader;
    int result;

    if (open_patiently(tool, &reader, err) != 0) {
        return -1;
    }
    result = read_rows(tool, reader, err);
    snapshot_reader_close(reader);
    return result;
}

static void print_verdict(const struct tool *tool)
{
    char size[32];

    tool_print_size(size, sizeof size, tool->bytes);
    if (tool->json) {
        fprintf(tool->out,
                "{\"sound\":true,\"lsn\":%" PRIu64 ",\"end_lsn\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64
                "}\n",
                tool->head.lsn, tool->end_lsn, tool->rows, tool->bytes);
    } else {
        fprintf(tool->out, "sound: %" PRIu64 " rows as of lsn %" PRIu64 " to %" PRIu64 ", %s\n", tool->rows,
                tool->head.lsn, tool->end_lsn, size);
    }
}

static int report_failure(const struct tool *tool, const struct err *err, FILE *error_out)
{
    int code = tool_exit_code(err);

    if (!tool->dump && code == TOOL_EXIT_CORRUPT) {
        fprintf(tool->out, "%s: %s\n", err->code == ERR_CORRUPT ? "corrupt" : "unsupported", err->text);
    } else {
        fprintf(error_out, "customjobd: %s\n", err->text);
    }
    return code;
}

int snapshot_tool_run(const struct fs *fs, const char *verb, const char *path, bool json, FILE *out, FILE *error_out)
{
    bool dump = strcmp(verb, "dump") == 0;
    struct tool tool = {.fs = fs, .path = path, .dump = dump, .json = json, .out = out};
    struct err err = ERR_INIT;

    if ((!dump && strcmp(verb, "verify") != 0) || strlen(path) == 0 || strlen(path) > DATA_DIR_BYTES_MAX) {
        fprintf(error_out, "customjobd: usage: customjobd snapshot dump|verify FILE|DIR\n");
        return TOOL_EXIT_USAGE;
    }
    if (read_snapshot(&tool, &err) != 0) {
        return report_failure(&tool, &err, error_out);
    }
    if (!dump) {
        print_verdict(&tool);
    }
    return tool_exit_flush(out);
}
