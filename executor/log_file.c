#include "executor/log_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/log_source.h"
#include "executor/service_log.h"
#include "supervisor/supervisor_wire_log.h"

/* Two of the longest entries. */
#define BUFFER_BYTES (2 * SUPERVISOR_LOG_LINE_BYTES)

static void path_of(const struct log_file *file, char path[LOG_FILE_PATH_BYTES])
{
    char key[EXECUTION_KEY_BYTES];

    if (file->stream == LOG_STREAM_SERVICE) {
        (void)snprintf(path, LOG_FILE_PATH_BYTES, "%s", SERVICE_LOG_FILE);
        return;
    }
    execution_key_format(&file->key, key);
    (void)snprintf(path, LOG_FILE_PATH_BYTES, "%s/%s", key,
                   file->stream == LOG_STREAM_STDOUT ? SUPERVISOR_FILE_STDOUT : SUPERVISOR_FILE_STDERR);
}

static int open_source(const struct log_file *file, int job_fd, bool *ret_found, struct log_source *ret_source,
                       struct err *err)
{
    char path[LOG_FILE_PATH_BYTES], job[ATTEMPT_PATH_BYTES], role[LOG_SOURCE_PATH_BYTES];

    path_of(file, path);
    attempt_job_path(file->job_id, job);
    (void)snprintf(role, sizeof role, "%s/%s", job, path);
    return log_source_open(file->keys, job_fd, path, role, ret_found, ret_source, err);
}

int log_file_begin(struct log_file *file, int job_fd, bool *ret_has_news, struct err *err)
{
    struct log_source source;
    bool found = false;

    *ret_has_news = false;
    if (open_source(file, job_fd, &found, &source, err) != 0) {
        return -1;
    }
    if (!found) {
        return 0;
    }
    file->end_offset = source.size;
    log_source_close(&source);
    /* A supervisor cuts off what it could write only in part. */
    file->offset = file->offset < file->end_offset ? file->offset : file->end_offset;
    file->used = 0;
    file->at = 0;
    file->entry_bytes = 0;
    *ret_has_news = file->offset < file->end_offset;
    return 0;
}

/* More bytes behind those not taken yet. */
static int fill(struct log_file *file, int job_fd, struct err *err)
{
    uint64_t from = file->offset + (file->used - file->at), left = file->end_offset - from;
    struct log_source source;
    bool found = false;
    size_t room, got = 0;
    int result;

    if (!file->buffer && !(file->buffer = malloc(BUFFER_BYTES))) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a log");
    }
    if (open_source(file, job_fd, &found, &source, err) != 0) {
        return -1;
    }
    if (!found) {
        file->end_offset = from; /* removed meanwhile */
        return 0;
    }
    memmove(file->buffer, file->buffer + file->at, file->used - file->at);
    file->used -= file->at;
    file->at = 0;
    room = BUFFER_BYTES - file->used;
    result = log_source_read(&source, from, file->buffer + file->used, left < room ? (size_t)left : room, &got, err);
    log_source_close(&source);
    if (result == 0 && got == 0) {
        file->end_offset = from;
    }
    file->used += result == 0 ? got : 0;
    return result;
}

/* Files stand in the order of log_reader.c: the service's, then by attempt, replica, restart and stream. */
static uint64_t place_of(const struct log_file *file)
{
    const struct execution_key *key = &file->key;

    return (uint64_t)(key->job_attempt & 0xfff) << 52 | (uint64_t)(key->pool_index & 0xf) << 48 |
           (uint64_t)(key->replica_index & 0xffffff) << 24 | (uint64_t)(key->restart & 0xffff) << 8 |
           (uint64_t)file->stream;
}

static void set_line(struct log_file *file, const char *text, size_t size, bool is_whole)
{
    struct supervisor_log_entry entry;

    file->line = (struct log_line){.stream = file->stream, .time_unix_ns = file->order_unix_ns};
    memcpy(file->line.replica, file->replica, sizeof file->line.replica);
    if (is_whole && supervisor_log_parse(text, size, &entry)) {
        file->line.time_unix_ns = entry.time_unix_ns;
        file->line.text = span_make(entry.text, entry.text_bytes);
        file->line.partial = entry.tag == SUPERVISOR_LOG_PARTIAL;
        file->line.dropped_bytes = entry.tag == SUPERVISOR_LOG_DROPPED ? entry.dropped_bytes : 0;
    } else {
        file->line.text = span_make(text, size); /* somebody else wrote this; shown as it is */
        file->line.partial = !is_whole;
    }
    if (file->line.time_unix_ns > file->order_unix_ns) {
        file->order_unix_ns = file->line.time_unix_ns;
    }
    file->line.order_unix_ns = file->order_unix_ns;
    file->line.place[0] = place_of(file);
    file->line.place[1] = file->offset;
}

int log_file_peek(struct log_file *file, int job_fd, bool *ret_has_entry, struct err *err)
{
    while (file->entry_bytes == 0) {
        const char *text = file->buffer ? file->buffer + file->at : NULL;
        size_t size = file->used - file->at;
        const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;

        if (newline) {
            set_line(file, text, (size_t)(newline - text), true);
            file->entry_bytes = (size_t)(newline - text) + 1;
        } else if (size == BUFFER_BYTES) {
            set_line(file, text, size, false);
            file->entry_bytes = size;
        } else if (file->offset + size >= file->end_offset) {
            break; /* an entry without its end is being written */
        } else if (fill(file, job_fd, err) != 0) {
            return -1;
        }
    }
    *ret_has_entry = file->entry_bytes > 0;
    return 0;
}

void log_file_take(struct log_file *file)
{
    file->at += file->entry_bytes;
    file->offset += file->entry_bytes;
    file->entry_bytes = 0;
}

void log_file_finish(struct log_file *file)
{
    free(file->buffer);
    file->buffer = NULL;
    file->used = 0;
    file->at = 0;
    file->entry_bytes = 0;
}
