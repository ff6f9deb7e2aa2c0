/* Output becomes entries in `out`, and `out` goes to the file once per read. What does not fit into the file's share
 * goes to the tail: two halves, the older of which is forgotten as a whole when the younger is full. */
#include "supervisor/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/clock.h"
#include "supervisor/supervisor_wire.h"

#define READ_BYTES 65536
/* Dropped bytes are told when they come to this, then at every doubling: at most some forty entries. */
#define TELL_BYTES (1024 * 1024)
#define TELL_RESERVE_BYTES 4096
#define DROPPED_LINE_BYTES (SUPERVISOR_LOG_HEAD_BYTES + 40)
/* Pipes hold at most 1 MiB unless somebody writes on. */
#define FINISH_READS_MAX 64

_Static_assert(SUPERVISOR_LOG_LINE_BYTES + DROPPED_LINE_BYTES <= LOGS_OUT_BYTES, "an entry fits into out");
_Static_assert(SUPERVISOR_LOG_LINE_BYTES <= LOGS_TAIL_HALF_BYTES, "an entry fits into half a tail");
_Static_assert(44 * DROPPED_LINE_BYTES < TELL_RESERVE_BYTES, "what is told of drops has its room");

static uint64_t min_u64(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

static void stream_init(struct log_stream *stream, int pipe_fd, int file_fd, const struct logs_limits *limits)
{
    uint64_t bytes_max = limits->bytes_max < LOGS_BYTES_MIN ? LOGS_BYTES_MIN : limits->bytes_max;
    stream->bytes_per_s_max = limits->bytes_per_s_max;
    stream->waits = limits->waits;
    stream->tokens = (int64_t)limits->bytes_per_s_max;
    stream->refilled_mono_ns = clock_now_ns(CLOCK_MONOTONIC);
    stream->pipe_fd = pipe_fd;
    stream->file_fd = file_fd;
    stream->half_bytes_max = (size_t)min_u64(LOGS_TAIL_HALF_BYTES, bytes_max / 8);
    stream->head_bytes_max = bytes_max - 2 * stream->half_bytes_max - TELL_RESERVE_BYTES;
}

int logs_open(struct logs *logs, int dir_fd, const struct logs_limits *limits, int ret_write_fds[2],
              struct failure *failure)
{
    static const char *const names[2] = {SUPERVISOR_FILE_STDOUT, SUPERVISOR_FILE_STDERR};
    for (int i = 0; i < 2; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return failure_set(failure, errno, "make a pipe for %s", names[i]);
        /* Only this end: the process expects a pipe that blocks. */
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
            return failure_set(failure, errno, "set up the pipe for %s", names[i]);
        int file_fd = openat(dir_fd, names[i], O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        stream_init(&logs->streams[i], ends[0], file_fd, limits);
        ret_write_fds[i] = ends[1];
    }
    return 0;
}

/* Writes out to the file; when that fails, all it stands for is dropped and no half entry stays behind. */
static void flush_out(struct log_stream *stream)
{
    if (stream->out_bytes == 0)
        return;
    ssize_t put = -1;
    if (stream->file_fd >= 0) {
        do {
            put = write(stream->file_fd, stream->out, stream->out_bytes);
        } while (put < 0 && errno == EINTR);
    }
    if (put == (ssize_t)stream->out_bytes) {
        stream->file_bytes += stream->out_bytes;
    } else {
        if (put > 0 && ftruncate(stream->file_fd, (off_t)stream->file_bytes) != 0)
            stream->file_bytes += (uint64_t)put;
        stream->untold_bytes += stream->out_raw_bytes;
    }
    stream->out_bytes = 0;
    stream->out_raw_bytes = 0;
}

static void out_put(struct log_stream *stream, const char *bytes, size_t size, uint64_t raw_bytes)
{
    if (stream->out_bytes + size > sizeof stream->out)
        flush_out(stream);
    memcpy(stream->out + stream->out_bytes, bytes, size);
    stream->out_bytes += size;
    stream->out_raw_bytes += raw_bytes;
}

static void tell_dropped(struct log_stream *stream)
{
    char line[DROPPED_LINE_BYTES];
    uint64_t dropped = stream->untold_bytes;
    if (dropped == 0)
        return;
    size_t size = supervisor_log_dropped_line(line, stream->dropped_unix_ns, dropped);
    stream->untold_bytes = 0;
    stream->told_bytes += dropped;
    out_put(stream, line, size, dropped);
}

static void drop(struct log_stream *stream, int64_t time_unix_ns, uint64_t raw_bytes)
{
    stream->untold_bytes += raw_bytes;
    stream->dropped_unix_ns = time_unix_ns;
    uint64_t step = stream->told_bytes > TELL_BYTES ? stream->told_bytes : TELL_BYTES;
    if (stream->capped && stream->untold_bytes >= step)
        tell_dropped(stream);
}

static void tail_put(struct log_stream *stream, const char *head, const char *text, size_t text_bytes,
                     int64_t time_unix_ns, uint64_t raw_bytes)
{
    size_t size = SUPERVISOR_LOG_HEAD_BYTES + text_bytes + 1;
    if (size > stream->half_bytes_max) {
        drop(stream, time_unix_ns, raw_bytes);
        return;
    }
    struct log_half *half = &stream->halves[stream->half];
    if (half->used + size > stream->half_bytes_max) {
        stream->half ^= 1;
        half = &stream->halves[stream->half];
        drop(stream, time_unix_ns, half->raw_bytes);
        half->used = 0;
        half->raw_bytes = 0;
    }
    memcpy(half->bytes + half->used, head, SUPERVISOR_LOG_HEAD_BYTES);
    memcpy(half->bytes + half->used + SUPERVISOR_LOG_HEAD_BYTES, text, text_bytes);
    half->bytes[half->used + size - 1] = '\n';
    half->used += size;
    half->raw_bytes += raw_bytes;
}

/* ---- the rate ---- */

static void refill(struct log_stream *stream)
{
    int64_t now = clock_now_ns(CLOCK_MONOTONIC), second = (int64_t)stream->bytes_per_s_max;
    double come = (double)stream->bytes_per_s_max * (double)(now - stream->refilled_mono_ns) / 1e9;
    stream->tokens = come + (double)stream->tokens > (double)second ? second : stream->tokens + (int64_t)come;
    stream->refilled_mono_ns = now;
    if (stream->tokens <= 0)
        stream->throttled = true;
    else if (stream->tokens >= second / 4)
        stream->throttled = false;
}

/* False: it is more than may pass now. */
static bool may_pass(struct log_stream *stream, size_t size)
{
    if (stream->bytes_per_s_max == 0 || stream->waits)
        return true;
    refill(stream);
    if (stream->throttled)
        return false;
    stream->tokens -= (int64_t)size;
    return true;
}

int logs_watch(struct log_stream *stream, int *wait_ms)
{
    if (stream->pipe_fd < 0 || stream->bytes_per_s_max == 0 || !stream->waits)
        return stream->pipe_fd;
    refill(stream);
    if (!stream->throttled)
        return stream->pipe_fd;
    int64_t missing = (int64_t)stream->bytes_per_s_max / 4 - stream->tokens;
    int64_t left_ms = (int64_t)((double)missing * 1e3 / (double)stream->bytes_per_s_max) + 1;
    if (*wait_ms < 0 || left_ms < *wait_ms)
        *wait_ms = (int)left_ms;
    return -1;
}

/* One entry: into out while the file has room for it, from then on only into the tail. */
static void put_entry(struct log_stream *stream, int64_t time_unix_ns, char tag, const char *text, size_t text_bytes)
{
    char head[SUPERVISOR_LOG_HEAD_BYTES];
    supervisor_log_head(head, time_unix_ns, tag);
    uint64_t raw_bytes = text_bytes + (tag == SUPERVISOR_LOG_FULL ? 1 : 0);
    size_t size = SUPERVISOR_LOG_HEAD_BYTES + text_bytes + 1;
    uint64_t room = stream->head_bytes_max;
    if (!may_pass(stream, size)) {
        drop(stream, time_unix_ns, raw_bytes);
        return;
    }
    if (!stream->capped && stream->file_bytes + stream->out_bytes + size + DROPPED_LINE_BYTES > room) {
        flush_out(stream);
        stream->capped = stream->file_bytes + size + DROPPED_LINE_BYTES > room;
    }
    if (stream->capped) {
        tail_put(stream, head, text, text_bytes, time_unix_ns, raw_bytes);
        return;
    }
    if (stream->out_bytes + size + DROPPED_LINE_BYTES > sizeof stream->out)
        flush_out(stream);
    tell_dropped(stream); /* of a disk that was full and has room again, perhaps */
    stream->dropped_unix_ns = time_unix_ns;
    out_put(stream, head, sizeof head, 0);
    out_put(stream, text, text_bytes, 0);
    out_put(stream, "\n", 1, raw_bytes);
}

static void end_pending(struct log_stream *stream, char tag)
{
    put_entry(stream, stream->pending_unix_ns, tag, stream->pending, stream->pending_bytes);
    stream->pending_bytes = 0;
    stream->pending_piece = tag == SUPERVISOR_LOG_PARTIAL;
}

/* Cuts output into lines; a line longer than an entry becomes pieces. */
static void take(struct log_stream *stream, const char *data, size_t size)
{
    int64_t unix_ns = clock_now_ns(CLOCK_REALTIME), mono_ns = clock_now_ns(CLOCK_MONOTONIC);
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t piece = newline ? (size_t)(newline - data) : size;
        size_t room = sizeof stream->pending - stream->pending_bytes;
        if (room == 0 && piece > 0) {
            end_pending(stream, SUPERVISOR_LOG_PARTIAL);
            continue;
        }
        if (stream->pending_bytes == 0) {
            stream->pending_unix_ns = unix_ns;
            stream->pending_mono_ns = mono_ns;
        }
        size_t taken = piece < room ? piece : room;
        memcpy(stream->pending + stream->pending_bytes, data, taken);
        stream->pending_bytes += taken;
        data += taken;
        size -= taken;
        if (taken == piece && newline) {
            end_pending(stream, SUPERVISOR_LOG_FULL);
            data++;
            size--;
        }
    }
}

/* False when there is nothing to read now. */
static bool read_some(struct log_stream *stream)
{
    static char bytes[READ_BYTES];
    ssize_t got = read(stream->pipe_fd, bytes, sizeof bytes);
    if (got < 0)
        return errno == EINTR;
    if (got == 0) {
        close(stream->pipe_fd);
        stream->pipe_fd = -1;
        return false;
    }
    if (stream->waits)
        stream->tokens -= got;
    take(stream, bytes, (size_t)got);
    return true;
}

void logs_read(struct log_stream *stream)
{
    (void)read_some(stream);
    flush_out(stream);
}

int logs_show_partial(struct logs *logs)
{
    int next_ms = -1;
    for (int i = 0; i < 2; i++) {
        struct log_stream *stream = &logs->streams[i];
        if (stream->pending_bytes == 0)
            continue;
        int64_t age_ms = (clock_now_ns(CLOCK_MONOTONIC) - stream->pending_mono_ns) / 1000000;
        if (age_ms >= LOGS_PARTIAL_MS) {
            end_pending(stream, SUPERVISOR_LOG_PARTIAL);
            flush_out(stream);
        } else {
            int left_ms = (int)(LOGS_PARTIAL_MS - age_ms);
            next_ms = next_ms < 0 || left_ms < next_ms ? left_ms : next_ms;
        }
    }
    return next_ms;
}

static void finish_stream(struct log_stream *stream)
{
    for (int i = 0; i < FINISH_READS_MAX && stream->pipe_fd >= 0; i++) {
        if (!read_some(stream))
            break;
    }
    if (stream->pending_bytes > 0 || stream->pending_piece)
        end_pending(stream, SUPERVISOR_LOG_FULL);
    flush_out(stream);
    tell_dropped(stream);
    for (unsigned i = 1; i <= 2 && stream->capped; i++) {
        const struct log_half *half = &stream->halves[(stream->half + i) & 1];
        flush_out(stream);
        out_put(stream, half->bytes, half->used, half->raw_bytes);
    }
    flush_out(stream);
}

void logs_finish(struct logs *logs)
{
    for (int i = 0; i < 2; i++)
        finish_stream(&logs->streams[i]);
}
