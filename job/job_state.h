/* job_state: the state machine of a CustomJob as one table, state × event.
 *
 * Used by   job/controller.c, docs (the table is drawn from here), tests.
 * Shape     states are JobState's numbers. An event that a state does not take leaves it unchanged and says so.
 * Source    job_state.proto
 */
#ifndef JOB_JOB_STATE_H_
#define JOB_JOB_STATE_H_

#include <stdbool.h>

#include "base/err.h"

C_DECLS_BEGIN

/* The numbers of google.cloud.aiplatform.v1.JobState; a test compares them. */
enum job_state {
    JOB_STATE_UNSPECIFIED = 0,
    JOB_STATE_QUEUED = 1,
    JOB_STATE_PENDING = 2,
    JOB_STATE_RUNNING = 3,
    JOB_STATE_SUCCEEDED = 4,
    JOB_STATE_FAILED = 5,
    JOB_STATE_CANCELLING = 6,
    JOB_STATE_CANCELLED = 7,
    JOB_STATE_PAUSED = 8,
    JOB_STATE_EXPIRED = 9,
    JOB_STATE_UPDATING = 10,
    JOB_STATE_PARTIALLY_SUCCEEDED = 11
};
#define JOB_STATE_COUNT 12

enum job_event {
    JOB_EVENT_ADMITTED,    /* resources taken, replicas being started */
    JOB_EVENT_ALL_RUNNING, /* every replica of every pool runs */
    JOB_EVENT_RETRY,       /* all has stopped, and the job is tried once more */
    JOB_EVENT_CANCEL,      /* a client, or a limit, asks for the end; replicas still to stop */
    JOB_EVENT_SUCCEEDED,   /* the primary exited 0 and the rest is stopped */
    JOB_EVENT_FAILED,      /* a final failure, and the rest is stopped */
    JOB_EVENT_CANCELLED    /* cancelled, and the rest is stopped */
};
#define JOB_EVENT_COUNT 7

bool job_state_is_terminal(enum job_state state);
/* "JOB_STATE_RUNNING"; "JOB_STATE_UNSPECIFIED" for numbers unknown. Static storage. */
const char *job_state_name(enum job_state state);
/* Sets *ret_next; false when this state does not take the event. */
bool job_state_next(enum job_state state, enum job_event event, enum job_state *ret_next);

C_DECLS_END

#endif /* JOB_JOB_STATE_H_ */
