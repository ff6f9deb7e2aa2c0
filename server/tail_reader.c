#include "server/tail_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_logs.h"
#include "job/wire.h"

/* Lines passed over in one step, so that counting a large log does not keep others waiting. */
#define LINES_PER_STEP 16384

#define SERVICE_REPLICA "service"

/* customjobd.v1.TailResponse, LogEntry */
enum { FIELD_ENTRIES = 1 };
enum { FIELD_REPLICA = 1, FIELD_STREAM, FIELD_TIME, FIELD_LINE, FIELD_PARTIAL, FIELD_DROPPED_BYTES };

/* How far the beginning that was asked for is, for one replica. */
struct mark {
    uint64_t lines; /* seen: while counting all of them, then those passed by */
    uint64_t skip;  /* lines before the beginning */
    bool is_within; /* the last entry was a piece of a line that goes on */
    bool has_begun; /* since was reached */
};

struct tail_reader {
    struct executor *executor;
    struct log_wish wish;
    struct log_cursor *cursor;
    bool counts;        /* the first pass */
    struct mark *marks; /* one per replica and one for the service; NULL when everything is sent */
    char *message;
    size_t message_bytes;
    size_t message_capacity;
    unsigned step_lines;
    bool has_stopped; /* the callback ended this step */
    bool is_out_of_memory;
};

/* "workerpoolI-J" */
static bool parse_replica(const char *text, uint64_t ret_numbers[2])
{
    static const char prefix[] = "workerpool";

    if (strncmp(text, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    text += sizeof prefix - 1;
    for (int i = 0; i < 2; i++) {
        const char *start = text;

        ret_numbers[i] = 0;
        while (isdigit((unsigned char)*text) && text - start < 9) {
            ret_numbers[i] = ret_numbers[i] * 10 + (uint64_t)(*text++ - '0');
        }
        if (text == start || (*start == '0' && text - start > 1) || *text != (i == 0 ? '-' : '\0')) {
            return false;
        }
        text++;
    }
    return true;
}

int64_t log_replica_index(const struct job_shape *shape, const char *replica)
{
    uint64_t numbers[2];
    int64_t index = 0;

    if (!parse_replica(replica, numbers) || numbers[0] >= shape->pool_count ||
        numbers[1] >= shape->pool_replicas[numbers[0]]) {
        return -1;
    }
    for (uint64_t i = 0; i < numbers[0]; i++) {
        index += shape->pool_replicas[i];
    }
    return index + (int64_t)numbers[1];
}

int tail_reader_create(struct executor *executor, const struct log_wish *wish, struct tail_reader **ret_reader,
                       struct err *err)
{
    struct tail_reader *reader = calloc(1, sizeof *reader);

    if (!reader) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a log");
    }
    reader->executor = executor;
    reader->wish = *wish;
    reader->counts = wish->tail_lines > 0;
    if (wish->tail_lines > 0 || wish->has_since) {
        reader->marks = calloc((size_t)wish->shape.replica_count + 1, sizeof *reader->marks);
        if (!reader->marks) {
            free(reader);
            return err_set(err, ERR_EXHAUSTED, "no memory to read a log");
        }
    }
    *ret_reader = reader;
    return 0;
}

static void close_cursor(struct tail_reader *reader)
{
    if (reader->cursor) {
        job_logs_close(reader->executor, reader->cursor);
        reader->cursor = NULL;
    }
}

void tail_reader_destroy(struct tail_reader *reader)
{
    if (reader) {
        close_cursor(reader);
        free(reader->marks);
        free(reader->message);
        free(reader);
    }
}

/* ---- one line ---- */

static bool is_service(const struct log_line *line)
{
    return line->stream == LOG_STREAM_SERVICE;
}

static bool is_wanted(const struct tail_reader *reader, const struct log_line *line)
{
    return strcmp(reader->wish.replica, SERVICE_REPLICA) != 0 || is_service(line);
}

static struct mark *mark_of(const struct tail_reader *reader, const struct log_line *line)
{
    int64_t index = is_service(line) ? -1 : log_replica_index(&reader->wish.shape, line->replica);

    return &reader->marks[index < 0 ? reader->wish.shape.replica_count : (uint64_t)index];
}

/* Counts the line; true: it is behind the beginning. */
static bool pass_mark(const struct tail_reader *reader, const struct log_line *line)
{
    struct mark *mark;
    bool is_behind;

    if (!reader->marks) {
        return true;
    }
    mark = mark_of(reader, line);
    is_behind = mark->lines >= mark->skip;
    mark->lines += !line->partial;
    mark->is_within = line->partial;
    mark->has_begun = mark->has_begun || line->time_unix_ns >= reader->wish.since_unix_ns;
    return is_behind && (mark->has_begun || !reader->wish.has_since);
}

static bool make_room(struct tail_reader *reader, size_t size)
{
    size_t capacity = reader->message_capacity ? reader->message_capacity : LOG_MESSAGE_BYTES + LOG_MESSAGE_BYTES / 4;
    char *larger;

    while (capacity < reader->message_bytes + size) {
        capacity *= 2;
    }
    if (capacity == reader->message_capacity) {
        return true;
    }
    larger = realloc(reader->message, capacity);
    if (!larger) {
        reader->is_out_of_memory = true;
        return false;
    }
    reader->message = larger;
    reader->message_capacity = capacity;
    return true;
}

static bool add_entry(struct tail_reader *reader, const struct log_line *line)
{
    struct span replica = is_service(line) ? span_of(SERVICE_REPLICA) : span_of(line->replica);
    size_t size = wire_bytes_size(FIELD_REPLICA, replica.size) + wire_number_size(FIELD_STREAM, line->stream) +
                  wire_timestamp_size(FIELD_TIME, line->time_unix_ns) + wire_bytes_size(FIELD_LINE, line->text.size) +
                  wire_number_size(FIELD_PARTIAL, line->partial) +
                  wire_number_size(FIELD_DROPPED_BYTES, line->dropped_bytes);
    char *at;

    if (!make_room(reader, size + 16)) {
        return false;
    }
    at = wire_put_head(reader->message + reader->message_bytes, FIELD_ENTRIES, size);
    at = wire_put_bytes(at, FIELD_REPLICA, replica);
    at = wire_put_number(at, FIELD_STREAM, line->stream);
    at = wire_put_timestamp(at, FIELD_TIME, line->time_unix_ns);
    at = wire_put_bytes(at, FIELD_LINE, line->text);
    at = wire_put_number(at, FIELD_PARTIAL, line->partial);
    at = wire_put_number(at, FIELD_DROPPED_BYTES, line->dropped_bytes);
    reader->message_bytes = (size_t)(at - reader->message);
    return true;
}

static bool take_line(void *context, const struct log_line *line)
{
    struct tail_reader *reader = context;

    if (is_wanted(reader, line) && pass_mark(reader, line) && !reader->counts && !add_entry(reader, line)) {
        reader->has_stopped = true;
        return false;
    }
    reader->step_lines++;
    reader->has_stopped = reader->message_bytes >= LOG_MESSAGE_BYTES || reader->step_lines >= LINES_PER_STEP;
    return !reader->has_stopped;
}

/* ---- steps ---- */

/* The end was reached while counting: now every replica's beginning is known, and reading begins. */
static void begin_reading(struct tail_reader *reader)
{
    for (uint64_t i = 0; i <= reader->wish.shape.replica_count; i++) {
        struct mark *mark = &reader->marks[i];
        uint64_t lines = mark->lines + mark->is_within;

        *mark = (struct mark){.skip = lines > reader->wish.tail_lines ? lines - reader->wish.tail_lines : 0};
    }
    reader->counts = false;
    close_cursor(reader);
}

/* *ret_is_open: false when there is no log yet. */
static int open_cursor(struct tail_reader *reader, bool *ret_is_open, struct err *err)
{
    bool wants_service = strcmp(reader->wish.replica, SERVICE_REPLICA) == 0;

    *ret_is_open = true;
    if (reader->cursor) {
        return 0;
    }
    if (job_logs_open(reader->executor, reader->wish.job_id, wants_service ? "" : reader->wish.replica, &reader->cursor,
                      err)) {
        *ret_is_open = false;
        if (err->code != ERR_NOT_FOUND) {
            return -1;
        }
        err->code = ERR_NONE; /* or the stream would end a second time, of this */
    }
    return 0;
}

int tail_reader_read(struct tail_reader *reader, struct span *ret_message, bool *ret_at_end, struct err *err)
{
    bool is_open;

    if (open_cursor(reader, &is_open, err)) {
        return -1;
    }
    reader->message_bytes = 0;
    reader->step_lines = 0;
    reader->has_stopped = false;
    if (is_open && job_logs_read(reader->executor, reader->cursor, take_line, reader, err)) {
        return -1;
    }
    if (reader->is_out_of_memory) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a log");
    }
    *ret_at_end = !reader->has_stopped && !reader->counts;
    if (!reader->has_stopped && reader->counts) {
        begin_reading(reader);
    }
    *ret_message = span_make(reader->message, reader->message_bytes);
    return 0;
}
