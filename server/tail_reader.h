/* tail_reader: a job's log as messages to send, from where a client wants it to begin.
 *
 * Used by   log_tailer.c.
 * Shape     customjobd.v1.TailResponse in wire form, one of at most about LOG_MESSAGE_BYTES at a time. To begin so many
 *           lines before the end, the log is read twice: once to count.
 * Owns      the log's cursor and one message; a returned span lives until the next call.
 * Thread    one, any.      Blocks    on the disk, for one message's worth of log.
 * Errors    what the executor says: ERR_IO, ERR_CORRUPT. A log that is not there yet is an empty one.
 */
#ifndef SERVER_TAIL_READER_H_
#define SERVER_TAIL_READER_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/job_plan.h"

C_DECLS_BEGIN

#define LOG_MESSAGE_BYTES (64 * 1024)
#define LOG_REPLICA_BYTES 32

struct executor;
struct tail_reader;

/* What a client wants of a log. */
struct log_wish {
    uint64_t job_id;
    struct job_shape shape;          /* of the job: which replicas there are */
    char replica[LOG_REPLICA_BYTES]; /* "workerpool0-0", "service", or "" for all */
    uint64_t tail_lines;             /* 0: from the start */
    bool has_since;
    int64_t since_unix_ns;
};

/* The replica's place among all of the job's, from 0; -1 when the job has no such replica. */
int64_t log_replica_index(const struct job_shape *shape, const char *replica);

MUST_USE int tail_reader_create(struct executor *executor, const struct log_wish *wish, struct tail_reader **ret_reader,
                                struct err *err);
/* NULL is allowed. */
void tail_reader_destroy(struct tail_reader *reader);

/* *ret_message is empty when there is nothing to send (yet); *ret_at_end: all that was there has been read. */
MUST_USE int tail_reader_read(struct tail_reader *reader, struct span *ret_message, bool *ret_at_end, struct err *err);

C_DECLS_END

#endif /* SERVER_TAIL_READER_H_ */
