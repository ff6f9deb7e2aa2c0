#include "executor/memory_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_line {
    uint64_t job_id;
    int64_t time_unix_ns;
    char *text;
    size_t text_bytes;
    char replica[32];
    enum log_stream stream;
};

struct memory_log {
    pthread_mutex_t mutex;
    unsigned references;
    uint64_t next; /* number of the next line; line n stands at n % MEMORY_LOG_LINES */
    struct memory_line lines[MEMORY_LOG_LINES];
};

struct log_cursor {
    struct memory_log *log;
    uint64_t job_id;
    uint64_t next;
    char replica[32];
};

int memory_log_create(struct memory_log **ret_log, struct err *err)
{
    struct memory_log *log = calloc(1, sizeof *log);

    if (!log) {
        return err_set(err, ERR_EXHAUSTED, "no memory for logs");
    }
    pthread_mutex_init(&log->mutex, NULL);
    log->references = 1;
    *ret_log = log;
    return 0;
}

void memory_log_unref(struct memory_log *log)
{
    bool is_last;

    pthread_mutex_lock(&log->mutex);
    is_last = --log->references == 0;
    pthread_mutex_unlock(&log->mutex);
    if (is_last) {
        for (size_t i = 0; i < MEMORY_LOG_LINES; i++) {
            free(log->lines[i].text);
        }
        pthread_mutex_destroy(&log->mutex);
        free(log);
    }
}

void memory_log_append(struct memory_log *log, const struct execution_key *key, enum log_stream stream,
                       int64_t time_unix_ns, const char *text)
{
    struct memory_line line = {.job_id = key->job_id, .time_unix_ns = time_unix_ns, .stream = stream};
    struct memory_line *place;

    line.text_bytes = strnlen(text, MEMORY_LOG_TEXT_BYTES);
    line.text = strndup(text, line.text_bytes);
    if (!line.text) {
        return; /* a line is lost; nothing depends on it */
    }
    if (stream != LOG_STREAM_SERVICE) {
        (void)snprintf(line.replica, sizeof line.replica, "workerpool%" PRIu32 "-%" PRIu32, key->pool_index,
                       key->replica_index);
    }
    pthread_mutex_lock(&log->mutex);
    place = &log->lines[log->next++ % MEMORY_LOG_LINES];
    free(place->text);
    *place = line;
    pthread_mutex_unlock(&log->mutex);
}

int memory_log_open(struct memory_log *log, uint64_t job_id, const char *replica, struct log_cursor **ret_cursor,
                    struct err *err)
{
    struct log_cursor *cursor = calloc(1, sizeof *cursor);

    if (!cursor) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read logs");
    }
    cursor->log = log;
    cursor->job_id = job_id;
    (void)snprintf(cursor->replica, sizeof cursor->replica, "%s", replica);
    pthread_mutex_lock(&log->mutex);
    log->references++;
    pthread_mutex_unlock(&log->mutex);
    *ret_cursor = cursor;
    return 0;
}

/* The cursor's next line, its text copied to text; false at the end. */
static bool next_line(struct log_cursor *cursor, struct log_line *ret_line, char text[MEMORY_LOG_TEXT_BYTES])
{
    struct memory_log *log = cursor->log;
    bool found = false;

    pthread_mutex_lock(&log->mutex);
    if (log->next > MEMORY_LOG_LINES && cursor->next < log->next - MEMORY_LOG_LINES) {
        cursor->next = log->next - MEMORY_LOG_LINES;
    }
    while (!found && cursor->next < log->next) {
        const struct memory_line *line = &log->lines[cursor->next++ % MEMORY_LOG_LINES];

        found = line->job_id == cursor->job_id && (!cursor->replica[0] || strcmp(line->replica, cursor->replica) == 0);
        if (found) {
            memcpy(text, line->text, line->text_bytes);
            *ret_line = (struct log_line){.stream = line->stream,
                                          .time_unix_ns = line->time_unix_ns,
                                          .order_unix_ns = line->time_unix_ns,
                                          .place = {0, cursor->next},
                                          .text = span_make(text, line->text_bytes)};
            memcpy(ret_line->replica, line->replica, sizeof ret_line->replica);
        }
    }
    pthread_mutex_unlock(&log->mutex);
    return found;
}

int memory_log_read(struct log_cursor *cursor, log_line_fn line_fn, void *context, struct err *err)
{
    char text[MEMORY_LOG_TEXT_BYTES];
    struct log_line line;

    (void)err;
    while (next_line(cursor, &line, text) && line_fn(context, &line)) {
    }
    return 0;
}

void memory_log_close(struct log_cursor *cursor)
{
    memory_log_unref(cursor->log);
    free(cursor);
}
