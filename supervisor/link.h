/* link: the socket by which a server hears of events and asks for a stop.
 *
 * Used by   main.c.
 * Shape     SOCK_SEQPACKET, one message a packet (supervisor_wire.h). Only this user and root are heard.
 * Promise   a peer that does not read is cut off: the supervisor waits for nobody. The event file is the truth; a peer
 *           that lost its connection reads it, or connects again.
 */
#ifndef SUPERVISOR_LINK_H_
#define SUPERVISOR_LINK_H_

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/events.h"
#include "supervisor/failure.h"

#define LINK_PEERS_MAX 8

struct link_peer {
    int fd; /* -1: free */
    bool subscribed;
    size_t next; /* index into events.list */
};

struct link {
    int listen_fd;
    struct link_peer peers[LINK_PEERS_MAX];
};

int link_open(struct link *link, int dir_fd, struct failure *failure);
void link_accept(struct link *link);
/* Reads one request. SUBSCRIBE and STATUS are answered here; true: it is a STOP with this grace. */
bool link_read(struct link_peer *peer, const struct events *events, uint32_t *ret_grace_ms);
/* Sends what is written down and not yet told. */
void link_tell(struct link *link, const struct events *events);

#endif /* SUPERVISOR_LINK_H_ */
