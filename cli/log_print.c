#include "cli/log_print.h"

#include "cli/doc_write.h"
#include "cli/duration.h"
#include "cli/state.h"
#include "cli/utf8.h"

static const char *const stream_names[] = {"", "stdout", "stderr", "service"};

static const char *stream_name(int32_t stream)
{
    return stream >= 0 && stream < 4 ? stream_names[stream] : "";
}

/* One of six colours, always the same for the same replica. */
static unsigned colour_of(struct span replica)
{
    unsigned sum = 0;

    for (size_t i = 0; i < replica.size; i++) {
        sum = sum * 31 + (unsigned char)replica.data[i];
    }
    return 31 + sum % 6;
}

static void add_prefix(const struct log_printer *printer, struct text *text, const struct log_line *line)
{
    if (printer->timestamps) {
        time_add(text, line->unix_ns, 1);
        text_add_char(text, ' ');
    }
    if (!printer->prefix) {
        return;
    }
    if (printer->colour) {
        text_add_format(text, "\033[%um", colour_of(line->replica));
    }
    utf8_add_printable(text, line->replica);
    text_add_text(text, " | ");
    text_add_text(text, printer->colour ? STATE_PLAIN : "");
}

static void close_line(struct log_printer *printer, struct text *text)
{
    if (printer->open) {
        text_add_char(text, '\n');
        printer->open = false;
    }
}

static void add_plain(struct log_printer *printer, struct text *text, const struct log_line *line)
{
    bool goes_on = printer->open && line->stream == printer->open_stream && line->dropped_bytes == 0 &&
                   span_equal(line->replica, text_span(&printer->open_replica));

    if (!goes_on) {
        close_line(printer, text);
    }
    if (line->dropped_bytes > 0) {
        add_prefix(printer, text, line);
        text_add_format(text, "[%lld bytes of %s were dropped here]\n", (long long)line->dropped_bytes,
                        stream_name(line->stream));
        if (line->line.size == 0) {
            return;
        }
    }
    if (!goes_on) {
        add_prefix(printer, text, line);
    }
    text_add(text, line->line);
    printer->open = line->partial;
    if (!line->partial) {
        text_add_char(text, '\n');
        return;
    }
    text_cut(&printer->open_replica, 0);
    text_add(&printer->open_replica, line->replica);
    printer->open_stream = line->stream;
}

/* JSON holds text alone: bytes that are no UTF-8 become U+FFFD. */
static void add_json_string(struct text *text, struct span bytes)
{
    struct text valid = {.data = NULL};

    while (bytes.size > 0) {
        size_t good = utf8_valid_bytes(bytes);

        text_add(&valid, span_make(bytes.data, good));
        bytes = span_skip(bytes, good);
        if (bytes.size > 0) {
            utf8_add(&valid, 0xFFFD);
            bytes = span_skip(bytes, 1);
        }
    }
    doc_write_quoted(text, text_span(&valid));
    text_deinit(&valid);
}

static void add_object(const struct log_printer *printer, struct text *text, const struct log_line *line)
{
    text_add_text(text, printer->format == FORMAT_YAML ? "- {\"time\": \"" : "{\"time\": \"");
    time_add(text, line->unix_ns, 1);
    text_add_text(text, "\", \"replica\": ");
    add_json_string(text, line->replica);
    text_add_format(text, ", \"stream\": \"%s\", \"line\": ", stream_name(line->stream));
    add_json_string(text, line->line);
    text_add_text(text, line->partial ? ", \"partial\": true" : "");
    if (line->dropped_bytes > 0) {
        text_add_format(text, ", \"droppedBytes\": \"%lld\"", (long long)line->dropped_bytes);
    }
    text_add_text(text, "}\n");
}

void log_printer_add(struct log_printer *printer, struct text *text, const struct log_line *line)
{
    if (printer->format == FORMAT_TABLE) {
        add_plain(printer, text, line);
    } else {
        add_object(printer, text, line);
    }
}

void log_printer_finish(struct log_printer *printer, struct text *text)
{
    close_line(printer, text);
    text_deinit(&printer->open_replica);
}
