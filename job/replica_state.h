/* replica_state: the phases of one replica as one table, phase × event.
 *
 * Used by   controller files, docs (the table is drawn from here), tests.
 * Shape     phases are those of the execution record. What a phase does not take leaves it unchanged and says so: news
 *           that come twice or too late.
 * Source    executor/executor.h (order of events); docs/execution.md
 */
#ifndef JOB_REPLICA_STATE_H_
#define JOB_REPLICA_STATE_H_

#include <stdbool.h>

#include "base/err.h"
#include "job/execution_record.h"

C_DECLS_BEGIN

enum replica_event {
    REPLICA_EVENT_ASKED,        /* the executor is being asked to start it */
    REPLICA_EVENT_NOT_LAUNCHED, /* it never was, and cannot be any more by what was asked before */
    REPLICA_EVENT_STARTED,      /* its program runs */
    REPLICA_EVENT_STOP,         /* it is not wanted any more */
    REPLICA_EVENT_EXITED,
    REPLICA_EVENT_LOST,
    REPLICA_EVENT_START_FAILED,
    REPLICA_EVENT_AGAIN /* a new attempt of it */
};
#define REPLICA_EVENT_COUNT 8

/* Sets *ret_next; false when this phase does not take the event. */
bool replica_phase_next(enum replica_phase phase, enum replica_event event, enum replica_phase *ret_next);

C_DECLS_END

#endif /* JOB_REPLICA_STATE_H_ */
