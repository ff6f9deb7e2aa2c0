/* job_watch: looks after a job until it ends.
 *
 * Used by   command_wait.c, command_create.c, logs_tail.c.
 * Shape     asks for the job again and again, more slowly with time; tells each new state on notes. A server that
 *           stops answering after it once did is given a minute to come back: jobs outlive it.
 * Owns      an arena per round.
 * Thread    main.      Blocks    until the job has ended or the time of --timeout is over.
 * Errors    as session_call; ERR_DEADLINE.
 */
#ifndef CLI_JOB_WATCH_H_
#define CLI_JOB_WATCH_H_

#include "cli/session.h"

C_DECLS_BEGIN

/* How long a server may be away. */
#define PATIENCE_NS (60 * CLOCK_NS_PER_S)

struct patience {
    bool answered;        /* it did once */
    int64_t away_mono_ns; /* since when it does not; 0: it does */
    int64_t pause_ns;
};

void patience_answered(struct patience *patience);
/* After a failure: true, after a pause, when the call may be tried again. */
bool patience_forgives(struct patience *patience, struct session *session, const struct err *err);

struct job_watch {
    struct session *session;
    struct span name;
    int32_t state; /* the last one seen; -1: none yet */
    struct patience patience;
};

void job_watch_init(struct job_watch *watch, struct session *session, struct span name);
/* One look; tells a new state. */
MUST_USE int job_watch_look(struct job_watch *watch, struct err *err);
/* Until the end. *ret_exit as customjob wait. */
MUST_USE int job_watch_wait(struct job_watch *watch, int *ret_exit, struct err *err);

C_DECLS_END

#endif /* CLI_JOB_WATCH_H_ */
