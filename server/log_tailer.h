/* log_tailer: the thread that reads logs for all Tail calls, so that no call thread ever waits for the disk.
 *
 * Used by   logs_service.c hands calls over; main_serve.c makes and ends it.
 * Shape     each stream in turn reads a little, as long as its client takes it; one that follows is looked after every
 *           LOG_POLL_MIN_MS, and less and less often up to LOG_POLL_MAX_MS while nothing comes.
 * Owns      calls from log_tailer_add on until it has ended them. Memory: one message per stream, and what the
 *           transport has not yet sent of LOG_UNSENT_BYTES.
 * Thread    add from any; create, stop and destroy from one. The thread is a registered reader of the store.
 * Errors    a stream ends NOT_FOUND when its job is gone, UNAVAILABLE when the server stops.
 * Source    customjobd/v1/logs.proto.
 */
#ifndef SERVER_LOG_TAILER_H_
#define SERVER_LOG_TAILER_H_

#include "base/clock.h"
#include "base/err.h"
#include "server/tail_reader.h"
#include "storage/store.h"

C_DECLS_BEGIN

#define LOG_POLL_MIN_MS 25
#define LOG_POLL_MAX_MS 200
#define LOG_UNSENT_BYTES (2 * LOG_MESSAGE_BYTES)

struct call;
struct log_tailer;

struct log_tailer_options {
    struct store *store;
    struct executor *executor;
    const struct clock *clock;
};

/* One Tail call. Made with call_allocate. */
struct log_tail {
    struct log_tail *next;
    struct log_tailer *tailer;
    struct call *call;
    struct span name; /* of the job; lives as long as the call */
    struct log_wish wish;
    bool follows;

    /* the thread's own from here on */
    struct tail_reader *reader;
    int64_t due_mono_ns;
    int64_t wait_ms;
    bool was_final; /* the job was in a final state when it was looked at last */
    bool is_gone;   /* its client; under the tailer's lock */
};

MUST_USE int log_tailer_create(const struct log_tailer_options *options, struct log_tailer **ret_tailer,
                               struct err *err);
/* On success the call is the tailer's. ERR_EXHAUSTED above LIMIT_LOG_STREAMS, ERR_UNAVAILABLE when stopped. */
MUST_USE int log_tailer_add(struct log_tailer *tailer, struct log_tail *stream, struct err *err);
/* Ends all streams, and the thread. */
void log_tailer_stop(struct log_tailer *tailer);
/* No call may be left. NULL is allowed. */
void log_tailer_destroy(struct log_tailer *tailer);

C_DECLS_END

#endif /* SERVER_LOG_TAILER_H_ */
