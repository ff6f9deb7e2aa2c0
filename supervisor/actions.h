/* actions: what the supervisor does when something happens, as one table of state and event.
 *
 * Used by   main.c.
 * Shape     the states of one replica, from the launch to the last process of its tree; every cell of the table is
 *           filled, "nothing" by name.
 * Promise   each kind of event is written down at most once, in the order proto/ tells.
 */
#ifndef SUPERVISOR_ACTIONS_H_
#define SUPERVISOR_ACTIONS_H_

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/child.h"
#include "supervisor/conf.h"
#include "supervisor/events.h"
#include "supervisor/link.h"
#include "supervisor/logs.h"
#include "supervisor/tree.h"

enum state {
    STATE_LAUNCHING,         /* the process is there; its program is not */
    STATE_LAUNCHING_STOPPED, /* likewise, and a stop was asked for */
    STATE_RUNNING,
    STATE_STOPPING, /* sent SIGTERM; the grace runs */
    STATE_KILLING,  /* the grace is over; the main process is dying */
    STATE_CLEARING, /* the main process is gone; the rest is being killed */
    STATE_FAILING,  /* the program could not be run; the process is dying */
    STATE_ENDED,
    STATE_COUNT
};

enum happening {
    HAPPENED_EXEC,        /* the program runs */
    HAPPENED_EXEC_FAILED, /* supervisor.failure tells why */
    HAPPENED_STOP,        /* supervisor.grace_ms, of the first one */
    HAPPENED_GRACE_OVER,
    HAPPENED_MAIN_EXITED, /* supervisor.main_status */
    HAPPENED_TREE_EMPTY,
    HAPPENING_COUNT
};

struct supervisor {
    enum state state;
    int dir_fd;
    int signal_fd;
    int grace_timer_fd;
    bool stopped;
    uint32_t grace_ms;
    int main_status;
    struct events events;
    struct link link;
    struct child child;
    struct failure failure;
    struct tree tree;
    struct conf conf;
    struct logs logs; /* last: mostly buffers, of which hardly a page is touched */
};

void supervisor_handle(struct supervisor *supervisor, enum happening happening);

#endif /* SUPERVISOR_ACTIONS_H_ */
