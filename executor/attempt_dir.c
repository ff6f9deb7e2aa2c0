#include "executor/attempt_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor/log_source.h"
#include "executor/process_identity.h"
#include "supervisor/supervisor_wire_log.h"

/* Two thousand bytes of the shortest lines with their heads, and one of the longest. */
#define TAIL_READ_BYTES 65536

void attempt_job_path(uint64_t job_id, char path[ATTEMPT_PATH_BYTES])
{
    (void)snprintf(path, ATTEMPT_PATH_BYTES, "%" PRIu64, job_id);
}

void attempt_path(const struct execution_key *key, char path[ATTEMPT_PATH_BYTES])
{
    char text[EXECUTION_KEY_BYTES];

    execution_key_format(key, text);
    (void)snprintf(path, ATTEMPT_PATH_BYTES, "%" PRIu64 "/%s", key->job_id, text);
}

int attempt_open(int attempts_fd, const struct execution_key *key, int *ret_fd, struct err *err)
{
    char path[ATTEMPT_PATH_BYTES];
    int fd;

    attempt_path(key, path);
    fd = openat(attempts_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR) {
        return err_set_errno(err, errno, "cannot open the attempt directory %s", path);
    }
    *ret_fd = fd;
    return 0;
}

/* Up to size bytes from offset; -1 with errno. */
static ssize_t read_at(int fd, char *to, size_t size, off_t offset)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = pread(fd, to + used, size - used, offset + (off_t)used);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    return (ssize_t)used;
}

int attempt_read_history(int dir_fd, struct supervisor_history *ret_history, struct err *err)
{
    int fd = openat(dir_fd, SUPERVISOR_FILE_EVENTS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char bytes[SUPERVISOR_FILE_BYTES];
    ssize_t got = 0;

    if (fd < 0 && errno != ENOENT) {
        return err_set_errno(err, errno, "cannot open the events of an attempt");
    }
    if (fd >= 0) {
        got = read_at(fd, bytes, sizeof bytes, 0);
        if (got < 0) {
            err_set_errno(err, errno, "cannot read the events of an attempt");
            close(fd);
            return -1;
        }
        close(fd);
    }
    supervisor_history_read(bytes, (size_t)got, ret_history);
    return 0;
}

static bool was_launched(const struct supervisor_history *history)
{
    return history->has_launch || history->unreadable;
}

/* Without its lock file: void, or somebody took the file away from under a supervisor. */
static int examine_lockless(int dir_fd, enum attempt_finding *ret_finding, struct supervisor_history *ret_history,
                            struct err *err)
{
    struct supervisor_history history;
    const struct supervisor_launch *launch = &history.launch.of.launch;

    if (attempt_read_history(dir_fd, &history, err) != 0) {
        return -1;
    }
    if (!was_launched(&history)) {
        *ret_finding = ATTEMPT_VOID;
    } else if (history.has_launch && process_is_of_this_boot(launch->boot_id) &&
               process_is_alive(launch->pid, launch->start_time_ticks)) {
        *ret_finding = ATTEMPT_HELD;
    } else {
        *ret_finding = ATTEMPT_FREE;
    }
    *ret_history = history;
    return 0;
}

/* With the lock in hand nobody can launch or is alive, so that the history is complete. */
static int examine_locked(int dir_fd, enum attempt_finding *ret_finding, struct supervisor_history *ret_history,
                          struct err *err)
{
    struct supervisor_history history;

    if (attempt_read_history(dir_fd, &history, err) != 0) {
        return -1;
    }
    if (was_launched(&history)) {
        *ret_finding = ATTEMPT_FREE;
    } else if (unlinkat(dir_fd, SUPERVISOR_FILE_LOCK, 0) == 0) {
        *ret_finding = ATTEMPT_VOID;
    } else {
        return err_set_errno(err, errno, "cannot declare an attempt void");
    }
    *ret_history = history;
    return 0;
}

int attempt_examine(int dir_fd, enum attempt_finding *ret_finding, struct supervisor_history *ret_history,
                    struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(dir_fd, SUPERVISOR_FILE_LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    int result;

    if (fd < 0) {
        return errno == ENOENT ? examine_lockless(dir_fd, ret_finding, ret_history, err)
                               : err_set_errno(err, errno, "cannot open the lock of an attempt");
    }
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        result = examine_locked(dir_fd, ret_finding, ret_history, err);
    } else if (errno == EAGAIN || errno == EACCES) {
        result = attempt_read_history(dir_fd, ret_history, err);
        if (result == 0) {
            *ret_finding = ATTEMPT_HELD;
        }
    } else {
        result = err_set_errno(err, errno, "cannot try the lock of an attempt");
    }
    close(fd);
    return result;
}

/* ---- the tail of the standard error output ---- */

struct tail {
    char *bytes; /* of twice the size, so that it is moved now and then only */
    size_t used;
    size_t bytes_max;
};

static void tail_put(struct tail *tail, const char *text, size_t size)
{
    if (size > tail->bytes_max) {
        text += size - tail->bytes_max;
        size = tail->bytes_max;
    }
    if (tail->used + size > 2 * tail->bytes_max) {
        memmove(tail->bytes, tail->bytes + tail->used - tail->bytes_max, tail->bytes_max);
        tail->used = tail->bytes_max;
    }
    memcpy(tail->bytes + tail->used, text, size);
    tail->used += size;
}

/* Whole lines of the log in bytes; the first one only if the log begins there. */
static void tail_take(struct tail *tail, const char *bytes, size_t size, bool from_start)
{
    const char *at = bytes, *end = bytes + size, *newline;

    if (!from_start) {
        newline = memchr(at, '\n', size);
        at = newline ? newline + 1 : end;
    }
    for (; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        struct supervisor_log_entry entry;

        if (!supervisor_log_parse(at, (size_t)(newline - at), &entry)) {
            continue;
        }
        if (entry.tag == SUPERVISOR_LOG_DROPPED) {
            tail_put(tail, "[", 1);
        }
        tail_put(tail, entry.text, entry.text_bytes);
        if (entry.tag == SUPERVISOR_LOG_DROPPED) {
            tail_put(tail, "]", 1);
        }
        if (entry.tag != SUPERVISOR_LOG_PARTIAL) {
            tail_put(tail, "\n", 1);
        }
    }
}

/* The last bytes_max bytes, from the beginning of a line if there is one among them. */
static size_t tail_finish(const struct tail *tail, char *to)
{
    const char *from = tail->bytes, *newline;
    size_t size = tail->used;

    if (size > tail->bytes_max) {
        from += size - tail->bytes_max;
        size = tail->bytes_max;
        newline = from[-1] == '\n' ? NULL : memchr(from, '\n', size - 1);
        if (newline) {
            size -= (size_t)(newline + 1 - from);
            from = newline + 1;
        }
    }
    memcpy(to, from, size);
    return size;
}

size_t attempt_stderr_tail(struct keyring *keys, int dir_fd, const struct execution_key *key, char *tail_bytes,
                           size_t tail_bytes_max)
{
    char *bytes = malloc(TAIL_READ_BYTES + 2 * tail_bytes_max);
    struct tail tail = {.bytes = bytes ? bytes + TAIL_READ_BYTES : NULL, .bytes_max = tail_bytes_max};
    char path[ATTEMPT_PATH_BYTES], role[LOG_SOURCE_PATH_BYTES];
    struct log_source source = {.fd = -1};
    struct err ignored = ERR_INIT;
    size_t size = 0, got = 0;
    bool found = false;

    attempt_path(key, path);
    (void)snprintf(role, sizeof role, "%s/%s", path, SUPERVISOR_FILE_STDERR);
    if (bytes && log_source_open(keys, dir_fd, SUPERVISOR_FILE_STDERR, role, &found, &source, &ignored) == 0 && found) {
        uint64_t from = source.size > TAIL_READ_BYTES ? source.size - TAIL_READ_BYTES : 0;

        if (log_source_read(&source, from, bytes, TAIL_READ_BYTES, &got, &ignored) == 0) {
            tail_take(&tail, bytes, got, from == 0);
            size = tail_finish(&tail, tail_bytes);
        }
        log_source_close(&source);
    }
    free(bytes);
    return size;
}
