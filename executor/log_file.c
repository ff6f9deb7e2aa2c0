#include "executor/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool log_file_begin(struct log_file *file, int job_fd)
{
    char path[LOG_FILE_PATH_BYTES];
    struct stat status;

    path_of(file, path);
    if (fstatat(job_fd, path, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    file->end_offset = (uint64_t)status.st_size;
    /* A supervisor cuts off what it could write only in part. */
    file->offset = file->offset < file->end_offset ? file->offset : file->end_offset;
    file->used = 0;
    file->at = 0;
    file->entry_bytes = 0;
    return file->offset < file->end_offset;
}

/* More bytes behind those not taken yet. */
static int fill(struct log_file *file, int job_fd, struct err *err)
{
    uint64_t from = file->offset + (file->used - file->at), left = file->end_offset - from;
    char path[LOG_FILE_PATH_BYTES];
    size_t room;
    ssize_t got;
    int fd;

    if (!file->buffer && !(file->buffer = malloc(BUFFER_BYTES))) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read a log");
    }
    path_of(file, path);
    fd = openat(job_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        file->end_offset = from; /* removed meanwhile */
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the log %s", path);
    }
    memmove(file->buffer, file->buffer + file->at, file->used - file->at);
    file->used -= file->at;
    file->at = 0;
    room = BUFFER_BYTES - file->used;
    do {
        got = pread(fd, file->buffer + file->used, left < room ? (size_t)left : room, (off_t)from);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        file->used += (size_t)got;
    } else if (got == 0) {
        file->end_offset = from;
    } else {
        err_set_errno(err, errno, "cannot read the log %s", path);
    }
    close(fd);
    return got < 0 ? -1 : 0;
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
