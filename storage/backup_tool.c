#include "storage/backup_tool.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "storage/backup.h"
#include "storage/tool_common.h"

struct display {
    FILE *out;
    const char *verb;
    int64_t shown_mono_ns;
};

#define SHOW_NS (200 * CLOCK_NS_PER_MS)

static void show(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    struct display *display = context;
    int64_t now = clock_mono_ns(clock_system());
    char done[32];
    char total[32];

    if (now - display->shown_mono_ns < SHOW_NS) {
        return;
    }
    display->shown_mono_ns = now;
    tool_print_size(done, sizeof done, done_bytes);
    tool_print_size(total, sizeof total, total_bytes);
    fprintf(display->out, "\r%s: %s of %s\x1b[K", display->verb, done, total);
    fflush(display->out);
}

static struct copy_watch begin_watch(struct display *display, const struct backup_tool_options *options)
{
    struct copy_watch watch = {.progress = options->progress ? show : NULL, .context = display};

    return watch;
}

static int end_watch(const struct backup_tool_options *options, int result, const struct err *err)
{
    if (options->progress) {
        fputs("\r\x1b[K", options->error_out);
    }
    if (result == 0) {
        return TOOL_EXIT_SOUND;
    }
    fprintf(options->error_out, "customjobd: %s\n", err->text);
    return tool_exit_code(err);
}

static void print_time(char *text, size_t text_bytes, int64_t unix_ns)
{
    time_t seconds = (time_t)(unix_ns / CLOCK_NS_PER_S);
    struct tm when;

    gmtime_r(&seconds, &when);
    strftime(text, text_bytes, "%Y-%m-%dT%H:%M:%SZ", &when);
}

static void print_report(const struct backup_report *report, const char *verb, const char *to, bool is_backup,
                         const struct backup_tool_options *options)
{
    const struct survey *survey = &report->survey;
    char size[32];
    char when[32];

    tool_print_size(size, sizeof size, report->bytes);
    print_time(when, sizeof when, report->label.time_unix_ns);
    if (options->json) {
        fprintf(options->out,
                "{\"backup_time\":\"%s\",\"snapshot_lsn\":%" PRIu64 ",\"snapshot_rows\":%" PRIu64
                ",\"last_lsn\":%" PRIu64 ",\"records\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64
                ",\"attempts\":%u}\n",
                when, survey->manifest.snapshot_lsn, survey->snapshot_rows, survey->end.position.next_lsn - 1,
                survey->end.records, survey->end.segments, report->bytes, report->attempts);
        return;
    }
    fprintf(options->out,
            "%s %s in %s: a snapshot of %" PRIu64 " rows, %" PRIu64 " records in %" PRIu64
            " segments, up to lsn %" PRIu64 "\n",
            verb, size, to, survey->snapshot_rows, survey->end.records, survey->end.segments,
            survey->end.position.next_lsn - 1);
    if (is_backup) {
        fprintf(options->out, "what was acknowledged by %s is in it; attempts/ and keys are not\n", when);
    } else {
        fprintf(options->out,
                "of a backup begun at %s; copy attempts/ here now if you have it, then start the server\n", when);
    }
}

int backup_tool_make(const struct fs *fs, const char *dir, const char *to, const struct backup_tool_options *options)
{
    struct display display = {.out = options->error_out, .verb = "backup"};
    struct copy_watch watch = begin_watch(&display, options);
    struct backup_report report;
    struct err err = ERR_INIT;
    int code;

    watch.pace.bytes_per_s = PACE_BYTES_PER_S;
    code = end_watch(options, backup_make(fs, dir, to, &watch, &report, &err), &err);
    if (code != TOOL_EXIT_SOUND) {
        return code;
    }
    print_report(&report, "backed up", to, true, options);
    return tool_exit_flush(options->out);
}

int backup_tool_restore(const struct fs *fs, const char *from, const char *dir,
                        const struct backup_tool_options *options)
{
    struct display display = {.out = options->error_out, .verb = "restore"};
    struct copy_watch watch = begin_watch(&display, options);
    struct backup_report report;
    struct err err = ERR_INIT;
    int code = end_watch(options, backup_restore(fs, from, dir, &watch, &report, &err), &err);

    if (code != TOOL_EXIT_SOUND) {
        return code;
    }
    print_report(&report, "restored", dir, false, options);
    return tool_exit_flush(options->out);
}
