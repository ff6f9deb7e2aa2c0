/* events: the event file, append-only, and the same events in memory for those who listen.
 *
 * Used by   main.c, actions.c, link.c.
 * Shape     frames as supervisor_wire.h tells. An event is first in the list, then in the file; only what is in the
 *           file may be told to anyone: that is the list up to `written`.
 * Owns      the file. Room for all events to come is reserved when it is opened, so that a full disk cannot take the
 *           end of a job away.
 * Errors    a launch that cannot be written or synced fails; a later event stays unwritten and is tried again.
 */
#ifndef SUPERVISOR_EVENTS_H_
#define SUPERVISOR_EVENTS_H_

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/failure.h"
#include "supervisor/supervisor_wire.h"

#define EVENTS_MAX 8

struct events {
    int fd;
    size_t file_bytes;
    struct supervisor_event list[EVENTS_MAX];
    size_t count;
    size_t written;
};

/* *ret_launched: the file holds a launch already; then nothing else is set. */
int events_open(int dir_fd, struct events *ret_events, bool *ret_launched, struct failure *failure);
/* Adds the event, gives it its number and time, and tries to write it. */
void events_add(struct events *events, struct supervisor_event *event);
/* True when nothing is left to write. */
bool events_flush(struct events *events);
int events_sync(struct events *events, int dir_fd, struct failure *failure);

#endif /* SUPERVISOR_EVENTS_H_ */
