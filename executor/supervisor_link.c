#include "executor/supervisor_link.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/supervisor_wire.h"

static bool send_request(int link_fd, const struct supervisor_request *request)
{
    unsigned char bytes[SUPERVISOR_MESSAGE_BYTES];
    size_t size = supervisor_request_encode(request, bytes, sizeof bytes);
    ssize_t sent;

    do {
        sent = send(link_fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return size > 0 && sent == (ssize_t)size;
}

int supervisor_link_open(int dir_fd, uint64_t after_seq)
{
    struct supervisor_request request = {.kind = SUPERVISOR_REQUEST_SUBSCRIBE, .after_seq = after_seq};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    /* Through the directory's descriptor: its path may be longer than a socket's address. */
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd, SUPERVISOR_FILE_SOCK);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 || !send_request(fd, &request)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool supervisor_link_stop(int link_fd, uint32_t grace_ms)
{
    struct supervisor_request request = {.kind = SUPERVISOR_REQUEST_STOP, .stop_grace_ms = grace_ms};

    return send_request(link_fd, &request);
}

enum supervisor_link_news supervisor_link_read(int link_fd)
{
    enum supervisor_link_news news = SUPERVISOR_LINK_QUIET;
    unsigned char bytes[SUPERVISOR_MESSAGE_BYTES];

    for (;;) {
        ssize_t got = recv(link_fd, bytes, sizeof bytes, MSG_DONTWAIT);

        if (got > 0) {
            news = SUPERVISOR_LINK_EVENT;
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return news;
        } else if (got == 0 || errno != EINTR) {
            return SUPERVISOR_LINK_CLOSED;
        }
    }
}
