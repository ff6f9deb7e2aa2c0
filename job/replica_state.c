#include "job/replica_state.h"

#define REPLICA_PHASE_COUNT (REPLICA_START_FAILED + 1)

/* Rows: the phase now. Columns: the event. 0: the phase does not take it.
 *
 * A replica that is stopped while it waits for its start has not run: START_FAILED. One that an executor has forgotten
 * while it ran (only simulated ones can be) is started anew. */
static const unsigned char next_phases[][REPLICA_EVENT_COUNT] = {
    /* clang-format off */
    /*                          ASKED             NOT_LAUNCHED          STARTED           STOP                  EXITED          LOST          START_FAILED          AGAIN */
    [REPLICA_PLANNED]      = {REPLICA_STARTING, 0,                    0,                REPLICA_START_FAILED, 0,              0,            0,                    0},
    [REPLICA_STARTING]     = {0,                REPLICA_PLANNED,      REPLICA_RUNNING,  REPLICA_STOPPING,     REPLICA_EXITED, REPLICA_LOST, REPLICA_START_FAILED, 0},
    [REPLICA_RUNNING]      = {0,                REPLICA_PLANNED,      REPLICA_RUNNING,  REPLICA_STOPPING,     REPLICA_EXITED, REPLICA_LOST, REPLICA_START_FAILED, 0},
    [REPLICA_STOPPING]     = {0,                REPLICA_START_FAILED, REPLICA_STOPPING, REPLICA_STOPPING,     REPLICA_EXITED, REPLICA_LOST, REPLICA_START_FAILED, 0},
    [REPLICA_EXITED]       = {0,                0,                    0,                0,                    0,              0,            0,                    REPLICA_PLANNED},
    [REPLICA_LOST]         = {0,                0,                    0,                0,                    0,              0,            0,                    REPLICA_PLANNED},
    [REPLICA_START_FAILED] = {0,                0,                    0,                0,                    0,              0,            0,                    REPLICA_PLANNED},
    /* clang-format on */
};
_Static_assert(sizeof next_phases / sizeof next_phases[0] == REPLICA_PHASE_COUNT, "one row per phase");
_Static_assert(REPLICA_EVENT_AGAIN + 1 == REPLICA_EVENT_COUNT, "one column per event");

bool replica_phase_next(enum replica_phase phase, enum replica_event event, enum replica_phase *ret_next)
{
    enum replica_phase next = 0;

    if ((unsigned)phase < REPLICA_PHASE_COUNT && (unsigned)event < REPLICA_EVENT_COUNT) {
        next = (enum replica_phase)next_phases[phase][event];
    }
    if (next == 0) {
        return false;
    }
    *ret_next = next;
    return true;
}
