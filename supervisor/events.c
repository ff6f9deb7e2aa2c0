#include "supervisor/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/clock.h"

/* The whole file, or its first SUPERVISOR_FILE_BYTES bytes, which is more than a right one has. */
static int read_history(int fd, struct supervisor_history *history, struct failure *failure)
{
    char bytes[SUPERVISOR_FILE_BYTES];
    size_t size = 0;
    while (size < sizeof bytes) {
        ssize_t got = pread(fd, bytes + size, sizeof bytes - size, (off_t)size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure_set(failure, errno, "read events");
        if (got == 0)
            break;
        size += (size_t)got;
    }
    supervisor_history_read(bytes, size, history);
    return 0;
}

int events_open(int dir_fd, struct events *ret_events, bool *ret_launched, struct failure *failure)
{
    int fd = openat(dir_fd, SUPERVISOR_FILE_EVENTS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failure_set(failure, errno, "open events");
    struct supervisor_history history;
    if (read_history(fd, &history, failure) != 0)
        return -1;
    if (history.has_launch || history.unreadable) {
        *ret_launched = true;
        return 0;
    }
    /* What an earlier supervisor could not finish was no launch: it never forked. */
    if (ftruncate(fd, 0) != 0)
        return failure_set(failure, errno, "empty events");
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SUPERVISOR_FILE_BYTES) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        return failure_set(failure, errno, "reserve room for events");
    memset(ret_events, 0, sizeof *ret_events);
    ret_events->fd = fd;
    *ret_launched = false;
    return 0;
}

/* All of it; a piece is no frame to any reader, and the next try writes over it. */
static bool append(struct events *events, const void *data, size_t size)
{
    ssize_t put;
    do {
        put = pwrite(events->fd, data, size, (off_t)events->file_bytes);
    } while (put < 0 && errno == EINTR);
    if (put >= 0 && put < (ssize_t)size)
        errno = ENOSPC;
    if (put != (ssize_t)size)
        return false;
    events->file_bytes += size;
    return true;
}

bool events_flush(struct events *events)
{
    while (events->written < events->count) {
        unsigned char bytes[SUPERVISOR_MAGIC_BYTES + SUPERVISOR_FRAME_HEAD_BYTES + SUPERVISOR_MESSAGE_BYTES];
        size_t magic = events->file_bytes == 0 ? SUPERVISOR_MAGIC_BYTES : 0;
        memcpy(bytes, SUPERVISOR_MAGIC, magic);
        size_t frame = supervisor_frame_encode(&events->list[events->written], bytes + magic, sizeof bytes - magic);
        if (frame == 0 || !append(events, bytes, magic + frame))
            return false;
        events->written++;
    }
    return true;
}

void events_add(struct events *events, struct supervisor_event *event)
{
    if (events->count == EVENTS_MAX)
        return; /* The table of actions.c adds each kind at most once; there is room for all of them. */
    event->seq = events->count + 1;
    event->time_unix_ns = clock_now_ns(CLOCK_REALTIME);
    events->list[events->count++] = *event;
    (void)events_flush(events);
}

int events_sync(struct events *events, int dir_fd, struct failure *failure)
{
    if (fdatasync(events->fd) != 0)
        return failure_set(failure, errno, "sync events");
    if (dir_fd >= 0 && fsync(dir_fd) != 0)
        return failure_set(failure, errno, "sync the attempt directory");
    return 0;
}
