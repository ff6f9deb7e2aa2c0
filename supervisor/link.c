#include "supervisor/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int link_open(struct link *link, int dir_fd, struct failure *failure)
{
    for (int i = 0; i < LINK_PEERS_MAX; i++)
        link->peers[i].fd = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* A path through the directory's descriptor: the directory's own may be longer than a socket's address. */
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd, SUPERVISOR_FILE_SOCK);
    if (unlinkat(dir_fd, SUPERVISOR_FILE_SOCK, 0) != 0 && errno != ENOENT)
        return failure_set(failure, errno, "remove the old socket");
    link->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->listen_fd < 0)
        return failure_set(failure, errno, "make a socket");
    if (bind(link->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return failure_set(failure, errno, "bind sock");
    if (listen(link->listen_fd, LINK_PEERS_MAX) != 0)
        return failure_set(failure, errno, "listen on sock");
    return 0;
}

static bool may_speak(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

void link_accept(struct link *link)
{
    int fd = accept4(link->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    for (int i = 0; i < LINK_PEERS_MAX && may_speak(fd); i++) {
        if (link->peers[i].fd < 0) {
            link->peers[i] = (struct link_peer){.fd = fd};
            return;
        }
    }
    close(fd);
}

static void cut_off(struct link_peer *peer)
{
    close(peer->fd);
    peer->fd = -1;
    peer->subscribed = false;
}

static bool send_event(struct link_peer *peer, const struct supervisor_event *event)
{
    unsigned char bytes[SUPERVISOR_MESSAGE_BYTES];
    size_t size = supervisor_event_encode(event, bytes, sizeof bytes);
    ssize_t sent;
    do {
        sent = send(peer->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)size)
        return true;
    cut_off(peer);
    return false;
}

static void tell_peer(struct link_peer *peer, const struct events *events)
{
    while (peer->subscribed && peer->next < events->written) {
        if (!send_event(peer, &events->list[peer->next]))
            return;
        peer->next++;
    }
}

void link_tell(struct link *link, const struct events *events)
{
    for (int i = 0; i < LINK_PEERS_MAX; i++)
        tell_peer(&link->peers[i], events);
}

bool link_read(struct link_peer *peer, const struct events *events, uint32_t *ret_grace_ms)
{
    unsigned char bytes[SUPERVISOR_MESSAGE_BYTES];
    struct supervisor_request request;
    ssize_t got = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (got <= 0 || (size_t)got > sizeof bytes || !supervisor_request_decode(bytes, (size_t)got, &request)) {
        cut_off(peer);
        return false;
    }
    switch (request.kind) {
    case SUPERVISOR_REQUEST_SUBSCRIBE:
        peer->subscribed = true;
        /* Event n of the file stands at index n - 1. */
        peer->next = request.after_seq < events->written ? (size_t)request.after_seq : events->written;
        tell_peer(peer, events);
        return false;
    case SUPERVISOR_REQUEST_STATUS:
        if (events->written > 0)
            (void)send_event(peer, &events->list[events->written - 1]);
        return false;
    case SUPERVISOR_REQUEST_STOP:
        *ret_grace_ms = request.stop_grace_ms;
        return true;
    case SUPERVISOR_REQUEST_UNKNOWN:
        return false;
    }
    return false;
}
