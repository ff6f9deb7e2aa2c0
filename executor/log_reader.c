#include "executor/log_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executor/log_file.h"

struct log_cursor {
    struct keyring *keys;
    int attempts_fd;
    uint64_t job_id;
    char replica[32]; /* "": all */
    struct log_file *files;
    size_t file_count, file_capacity;
    struct log_file **active; /* in log_reader_read: those with something new */
};

static void format_replica(const struct execution_key *key, char replica[32])
{
    (void)snprintf(replica, 32, "workerpool%" PRIu32 "-%" PRIu32, key->pool_index, key->replica_index);
}

static bool is_replica(const char *replica)
{
    struct execution_key key;
    struct err ignored = ERR_INIT;
    char text[64];

    /* A replica's name is the middle of a key. */
    return snprintf(text, sizeof text, "1-1-%s-0", replica) < (int)sizeof text &&
           execution_key_parse(span_of(text), &key, &ignored) == 0;
}

int log_reader_open(struct keyring *keys, int attempts_fd, uint64_t job_id, const char *replica,
                    struct log_cursor **ret_cursor, struct err *err)
{
    struct log_cursor *cursor;

    if (replica[0] && !is_replica(replica)) {
        return err_set(err, ERR_INVALID, "\"%.100s\" names no replica; one is called workerpool0-0", replica);
    }
    cursor = calloc(1, sizeof *cursor);
    if (!cursor) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read logs");
    }
    cursor->keys = keys;
    cursor->job_id = job_id;
    (void)snprintf(cursor->replica, sizeof cursor->replica, "%s", replica);
    cursor->attempts_fd = fcntl(attempts_fd, F_DUPFD_CLOEXEC, 3);
    if (cursor->attempts_fd < 0) {
        err_set_errno(err, errno, "cannot open the logs of job %" PRIu64, job_id);
        free(cursor);
        return -1;
    }
    *ret_cursor = cursor;
    return 0;
}

void log_reader_close(struct log_cursor *cursor)
{
    close(cursor->attempts_fd);
    free(cursor->files);
    free(cursor);
}

/* ---- the files of the job ---- */

static int compare_files(const void *left, const void *right)
{
    const struct log_file *a = left, *b = right;
    int result = execution_key_compare(&a->key, &b->key);

    return result == 0 ? (int)a->stream - (int)b->stream : result;
}

static int add_file(struct log_cursor *cursor, const struct execution_key *key, enum log_stream stream, struct err *err)
{
    struct log_file file = {.keys = cursor->keys, .job_id = cursor->job_id, .key = *key, .stream = stream};

    if (cursor->file_count == cursor->file_capacity) {
        size_t capacity = cursor->file_capacity ? 2 * cursor->file_capacity : 8;
        struct log_file *files = realloc(cursor->files, capacity * sizeof *files);

        if (!files) {
            return err_set(err, ERR_EXHAUSTED, "no memory to read logs");
        }
        cursor->files = files;
        cursor->file_capacity = capacity;
    }
    if (stream != LOG_STREAM_SERVICE) {
        format_replica(key, file.replica);
    }
    cursor->files[cursor->file_count++] = file;
    return 0;
}

/* sorted_count: as many are known from before, in order. */
static int add_attempt(struct log_cursor *cursor, size_t sorted_count, const char *name, struct err *err)
{
    struct log_file file = {.stream = LOG_STREAM_STDOUT};
    struct err no_key = ERR_INIT;
    char replica[32];

    if (execution_key_parse(span_of(name), &file.key, &no_key) != 0 || file.key.job_id != cursor->job_id) {
        return 0;
    }
    format_replica(&file.key, replica);
    if ((cursor->replica[0] && strcmp(replica, cursor->replica) != 0) ||
        (sorted_count > 0 && bsearch(&file, cursor->files, sorted_count, sizeof file, compare_files))) {
        return 0;
    }
    return add_file(cursor, &file.key, LOG_STREAM_STDOUT, err) != 0 ||
                   add_file(cursor, &file.key, LOG_STREAM_STDERR, err) != 0
               ? -1
               : 0;
}

static int find_files(struct log_cursor *cursor, int job_fd, struct err *err)
{
    const struct execution_key none = {0};
    size_t sorted_count;
    const struct dirent *entry;
    int result = 0, fd;
    DIR *dir;

    if (cursor->file_count == 0 && !cursor->replica[0] && add_file(cursor, &none, LOG_STREAM_SERVICE, err) != 0) {
        return -1;
    }
    fd = openat(job_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        err_set_errno(err, errno, "cannot list the logs of job %" PRIu64, cursor->job_id);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    sorted_count = cursor->file_count;
    while (result == 0 && (entry = readdir(dir))) {
        result = add_attempt(cursor, sorted_count, entry->d_name, err);
    }
    (void)closedir(dir);
    if (cursor->file_count > sorted_count) {
        qsort(cursor->files, cursor->file_count, sizeof *cursor->files, compare_files);
    }
    return result;
}

/* ---- the merge ---- */

/* Those of the active files that have an entry, closed up. */
static int begin_files(struct log_cursor *cursor, int job_fd, size_t *ret_active_count, struct err *err)
{
    size_t active_count = 0;

    for (size_t i = 0; i < cursor->file_count; i++) {
        struct log_file *file = &cursor->files[i];
        bool has_entry = false, has_news = false;

        if (log_file_begin(file, job_fd, &has_news, err) != 0) {
            return -1;
        }
        if (!has_news) {
            continue;
        }
        if (log_file_peek(file, job_fd, &has_entry, err) != 0) {
            return -1;
        }
        if (has_entry) {
            cursor->active[active_count++] = file;
        }
    }
    *ret_active_count = active_count;
    return 0;
}

static size_t find_oldest(struct log_file *const *active, size_t count)
{
    size_t oldest = 0;

    for (size_t i = 1; i < count; i++) {
        if (active[i]->order_unix_ns < active[oldest]->order_unix_ns) {
            oldest = i;
        }
    }
    return oldest;
}

static int merge(struct log_cursor *cursor, int job_fd, log_line_fn line, void *context, struct err *err)
{
    size_t active_count;

    if (begin_files(cursor, job_fd, &active_count, err) != 0) {
        return -1;
    }
    while (active_count > 0) {
        size_t oldest = find_oldest(cursor->active, active_count);
        struct log_file *file = cursor->active[oldest];
        bool goes_on = line(context, &file->line), has_entry = false;

        log_file_take(file);
        if (!goes_on) {
            break;
        }
        if (log_file_peek(file, job_fd, &has_entry, err) != 0) {
            return -1;
        }
        if (!has_entry) {
            /* The order is kept: of equal times the first file's comes first. */
            memmove(&cursor->active[oldest], &cursor->active[oldest + 1],
                    (active_count - oldest - 1) * sizeof cursor->active[0]);
            active_count--;
        }
    }
    return 0;
}

int log_reader_read(struct log_cursor *cursor, log_line_fn line, void *context, struct err *err)
{
    char path[ATTEMPT_PATH_BYTES];
    int job_fd, result;

    attempt_job_path(cursor->job_id, path);
    job_fd = openat(cursor->attempts_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (job_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open the logs of job %s", path);
    }
    result = find_files(cursor, job_fd, err);
    if (result == 0) {
        cursor->active = malloc((cursor->file_count + 1) * sizeof *cursor->active);
        result = cursor->active ? merge(cursor, job_fd, line, context, err)
                                : err_set(err, ERR_EXHAUSTED, "no memory to read logs");
        free(cursor->active);
        cursor->active = NULL;
        for (size_t i = 0; i < cursor->file_count; i++) {
            log_file_finish(&cursor->files[i]);
        }
    }
    close(job_fd);
    return result;
}
