#include "job/job_state.h"

#include <stddef.h>

static const char *const state_names[] = {
    [JOB_STATE_UNSPECIFIED] = "JOB_STATE_UNSPECIFIED",
    [JOB_STATE_QUEUED] = "JOB_STATE_QUEUED",
    [JOB_STATE_PENDING] = "JOB_STATE_PENDING",
    [JOB_STATE_RUNNING] = "JOB_STATE_RUNNING",
    [JOB_STATE_SUCCEEDED] = "JOB_STATE_SUCCEEDED",
    [JOB_STATE_FAILED] = "JOB_STATE_FAILED",
    [JOB_STATE_CANCELLING] = "JOB_STATE_CANCELLING",
    [JOB_STATE_CANCELLED] = "JOB_STATE_CANCELLED",
    [JOB_STATE_PAUSED] = "JOB_STATE_PAUSED",
    [JOB_STATE_EXPIRED] = "JOB_STATE_EXPIRED",
    [JOB_STATE_UPDATING] = "JOB_STATE_UPDATING",
    [JOB_STATE_PARTIALLY_SUCCEEDED] = "JOB_STATE_PARTIALLY_SUCCEEDED",
};
_Static_assert(sizeof state_names / sizeof state_names[0] == JOB_STATE_COUNT, "one name per state");

/* Rows: the state now. Columns: the event. 0: the state does not take it. This server never enters PAUSED, EXPIRED,
 * UPDATING or PARTIALLY_SUCCEEDED, so nothing leads out of them either.
 *
 * *= proto: job_state.proto "CANCELLING: the job is being cancelled. From this state the job may only go to either
 * `JOB_STATE_SUCCEEDED`, `JOB_STATE_FAILED` or `JOB_STATE_CANCELLED`." */
static const unsigned char next_states[][JOB_EVENT_COUNT] = {
    /* clang-format off */
    /*                                   ADMITTED           ALL_RUNNING        RETRY              CANCEL                SUCCEEDED            FAILED            CANCELLED */
    [JOB_STATE_UNSPECIFIED]         = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_QUEUED]              = {JOB_STATE_PENDING, 0,                 0,                 0,                    0,                   JOB_STATE_FAILED, JOB_STATE_CANCELLED},
    [JOB_STATE_PENDING]             = {0,                 JOB_STATE_RUNNING, JOB_STATE_PENDING, JOB_STATE_CANCELLING, JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, 0},
    [JOB_STATE_RUNNING]             = {0,                 0,                 JOB_STATE_PENDING, JOB_STATE_CANCELLING, JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, 0},
    [JOB_STATE_SUCCEEDED]           = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_FAILED]              = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_CANCELLING]          = {0,                 0,                 0,                 JOB_STATE_CANCELLING, JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED},
    [JOB_STATE_CANCELLED]           = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_PAUSED]              = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_EXPIRED]             = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_UPDATING]            = {0,                 0,                 0,                 0,                    0,                   0,                0},
    [JOB_STATE_PARTIALLY_SUCCEEDED] = {0,                 0,                 0,                 0,                    0,                   0,                0},
    /* clang-format on */
};
_Static_assert(sizeof next_states / sizeof next_states[0] == JOB_STATE_COUNT, "one row per state");
_Static_assert(JOB_EVENT_CANCELLED + 1 == JOB_EVENT_COUNT, "one column per event");

bool job_state_is_terminal(enum job_state state)
{
    switch (state) {
    case JOB_STATE_SUCCEEDED:
    case JOB_STATE_FAILED:
    case JOB_STATE_CANCELLED:
    case JOB_STATE_EXPIRED:
    case JOB_STATE_PARTIALLY_SUCCEEDED:
        return true;
    default:
        return false;
    }
}

const char *job_state_name(enum job_state state)
{
    return (unsigned)state < JOB_STATE_COUNT ? state_names[state] : state_names[JOB_STATE_UNSPECIFIED];
}

bool job_state_next(enum job_state state, enum job_event event, enum job_state *ret_next)
{
    enum job_state next = JOB_STATE_UNSPECIFIED;

    if ((unsigned)state < JOB_STATE_COUNT && (unsigned)event < JOB_EVENT_COUNT) {
        next = (enum job_state)next_states[state][event];
    }
    if (next == JOB_STATE_UNSPECIFIED) {
        return false;
    }
    *ret_next = next;
    return true;
}
