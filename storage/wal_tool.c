#include "storage/wal_tool.h"

#include <inttypes.h>
#include <string.h>

#include "storage/data_dir.h"
#include "storage/snapshot.h"
#include "storage/store.h"
#include "storage/wal_reader.h"

enum exit_code { EXIT_SOUND = 0, EXIT_USAGE = 2, EXIT_CORRUPT = 3, EXIT_DISK = 5 };

/* A server that takes snapshots may recycle a segment under the reader: then all is read again, this often at most. */
#define ATTEMPTS 5

struct tool {
    const struct fs *fs;
    const char *dir;
    bool dump;
    bool json;
    FILE *out;
    struct manifest manifest;
    uint64_t snapshot_rows;
    uint64_t snapshot_bytes;
    uint64_t printed_lsn; /* dump: up to here, by an earlier attempt */
    uint64_t first_lsn;
    struct wal_end end;
};

static const char *table_name(uint32_t table)
{
    switch (table) {
    case STORE_TABLE_JOB:
        return "job";
    case STORE_TABLE_OPERATION:
        return "operation";
    case STORE_TABLE_EXECUTION:
        return "execution";
    case STORE_TABLE_REQUEST_ID:
        return "request_id";
    default:
        return "unknown";
    }
}

static void print_record(const struct tool *tool, const struct wal_record *record)
{
    const char *format = tool->json ? "{\"lsn\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"segment\":\"%016" PRIx64
                                      ".wal\",\"offset\":%" PRIu64 ",\"table\":\"%s\",\"id\":\"%" PRIu64
                                      "\",\"bytes\":%zu,\"deleted\":%s}\n"
                                    : "lsn %" PRIu64 "  batch %" PRIu64 "  %016" PRIx64 ".wal:%" PRIu64 "  %s %" PRIu64
                                      "  %zu bytes%s\n";

    fprintf(tool->out, format, record->lsn, record->batch, record->segment, record->offset,
            table_name(record->row.table), record->row.id, record->row.value.size,
            tool->json ? (record->row.deleted ? "true" : "false") : (record->row.deleted ? "  deleted" : ""));
}

static int read_snapshot(struct tool *tool, struct err *err)
{
    struct snapshot_reader *reader;
    struct wal_row row;
    bool end = false;
    int result;

    tool->snapshot_rows = 0;
    tool->snapshot_bytes = 0;
    if (tool->manifest.snapshot_lsn == 0) {
        return 0;
    }
    if (snapshot_reader_open(tool->fs, tool->dir, tool->manifest.store_uuid, tool->manifest.snapshot_lsn, &reader,
                             err) != 0) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_CORRUPT : err->code;
        return err_wrap(err, "the snapshot that MANIFEST names");
    }
    do {
        result = snapshot_reader_next(reader, &row, &end, err);
        tool->snapshot_rows += result == 0 && !end ? 1 : 0;
    } while (result == 0 && !end);
    tool->snapshot_bytes = snapshot_reader_bytes(reader);
    snapshot_reader_close(reader);
    return result;
}

static int read_records(struct tool *tool, struct wal_reader *reader, struct err *err)
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
        if (tool->dump && record.lsn > tool->printed_lsn) {
            print_record(tool, &record);
            tool->printed_lsn = record.lsn;
        }
    }
}

static int read_log(struct tool *tool, struct err *err)
{
    struct wal_reader *reader;
    int result;

    if (wal_reader_open(tool->fs, tool->dir, tool->manifest.store_uuid, tool->manifest.first_segment, &reader, err) !=
        0) {
        return -1;
    }
    tool->first_lsn = wal_reader_first_lsn(reader);
    result = read_records(tool, reader, err);
    tool->end = *wal_reader_end(reader);
    wal_reader_close(reader);
    return result;
}

static int read_all(struct tool *tool, struct err *err)
{
    struct err snapshot_err = ERR_INIT;
    int result;

    if (manifest_read(tool->fs, tool->dir, &tool->manifest, err) != 0) {
        return -1;
    }
    /* A dump is of the log; a damaged snapshot shall not keep it from being read. */
    result = tool->dump ? 0 : read_snapshot(tool, &snapshot_err);
    if (result != 0) {
        *err = snapshot_err;
        return -1;
    }
    return read_log(tool, err);
}

/* True when MANIFEST has changed since tool->manifest was read: what failed may have been recycled meanwhile. */
static bool has_moved_on(const struct tool *tool)
{
    struct err ignored = ERR_INIT;
    struct manifest now;

    return manifest_read(tool->fs, tool->dir, &now, &ignored) == 0 &&
           (now.first_segment != tool->manifest.first_segment || now.snapshot_lsn != tool->manifest.snapshot_lsn);
}

static int read_patiently(struct tool *tool, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        if (read_all(tool, err) == 0) {
            return 0;
        }
        if (attempt == ATTEMPTS || !has_moved_on(tool)) {
            return -1;
        }
    }
}

static uint64_t last_lsn(const struct tool *tool)
{
    return tool->end.position.next_lsn - 1;
}

static void print_end(const struct tool *tool, char *text, size_t size)
{
    const struct wal_end *end = &tool->end;

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
            tool->end.records, tool->first_lsn, last_lsn(tool), tool->end.batches, tool->end.segments,
            tool->snapshot_rows, end);
}

static void print_stat(const struct tool *tool)
{
    const struct wal_end *end = &tool->end;
    const char *format =
        tool->json ? "{\"epoch\":%" PRIu64 ",\"snapshot_lsn\":%" PRIu64 ",\"snapshot_rows\":%" PRIu64
                     ",\"snapshot_bytes\":%" PRIu64 ",\"first_lsn\":%" PRIu64 ",\"last_lsn\":%" PRIu64
                     ",\"records\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"marks\":%" PRIu64 ",\"durable_batch\":%" PRIu64
                     ",\"segments\":%" PRIu64 ",\"log_bytes\":%" PRIu64 ",\"torn_bytes\":%" PRIu64 ",\"clean\":%s}\n"
                   : "epoch          %" PRIu64 "\nsnapshot_lsn   %" PRIu64 "\nsnapshot_rows  %" PRIu64
                     "\nsnapshot_bytes %" PRIu64 "\nfirst_lsn      %" PRIu64 "\nlast_lsn       %" PRIu64
                     "\nrecords        %" PRIu64 "\nbatches        %" PRIu64 "\nmarks          %" PRIu64
                     "\ndurable_batch  %" PRIu64 "\nsegments       %" PRIu64 "\nlog_bytes      %" PRIu64
                     "\ntorn_bytes     %" PRIu64 "\nclean          %s\n";

    fprintf(tool->out, format, end->position.epoch, tool->manifest.snapshot_lsn, tool->snapshot_rows,
            tool->snapshot_bytes, tool->first_lsn, last_lsn(tool), end->records, end->batches, end->marks,
            end->durable_batch, end->segments, end->log_bytes, end->torn_bytes, end->clean ? "true" : "false");
}

static int exit_code_of(const struct err *err)
{
    switch (err->code) {
    case ERR_CORRUPT:
    case ERR_UNSUPPORTED:
        return EXIT_CORRUPT;
    case ERR_NOT_FOUND:
    case ERR_INVALID:
        return EXIT_USAGE;
    default:
        return EXIT_DISK;
    }
}

static int report_failure(const struct tool *tool, bool check, const struct err *err, FILE *error_out)
{
    int code = exit_code_of(err);

    if (check && code == EXIT_CORRUPT) {
        fprintf(tool->out, "%s: %s\n", err->code == ERR_CORRUPT ? "corrupt" : "unsupported", err->text);
    } else if (code == EXIT_USAGE) {
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
    struct err err = ERR_INIT;

    if ((!dump && !check && !stat) || strlen(dir) == 0 || strlen(dir) > DATA_DIR_BYTES_MAX) {
        fprintf(error_out, "customjobd: usage: customjobd wal dump|check|stat DIR\n");
        return EXIT_USAGE;
    }
    if (read_patiently(&tool, &err) != 0) {
        return report_failure(&tool, check, &err, error_out);
    }
    if (check) {
        print_check(&tool);
    } else if (stat) {
        print_stat(&tool);
    }
    return fflush(out) == 0 ? EXIT_SOUND : EXIT_DISK;
}
