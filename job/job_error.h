/* job_error: the sentences a job's error is made of.
 *
 * Used by   controller files.
 * Shape     code is a google.rpc.Code; the message is malloc'd, valid UTF-8, and has no NUL within: what comes from a
 *           replica's stderr has its odd bytes replaced by '?'. NULL when memory is gone.
 * Source    the texts of the real service where they are known, since tools look for them: "exited with a non-zero
 *           status of", "Termination reason", "CANCELED".
 */
#ifndef JOB_JOB_ERROR_H_
#define JOB_JOB_ERROR_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "executor/executor.h"
#include "job/execution_record.h"

C_DECLS_BEGIN

/* Codes of google.rpc.Code that a job's error can have. */
enum job_error_code {
    JOB_ERROR_CANCELLED = 1,
    JOB_ERROR_REPLICA = 3,  /* INVALID_ARGUMENT: the user's program, or what the user asked for */
    JOB_ERROR_DEADLINE = 4, /* DEADLINE_EXCEEDED */
    JOB_ERROR_EXHAUSTED = 8,
    JOB_ERROR_UNKNOWN = 13 /* INTERNAL */
};

struct job_error {
    int32_t code;
    char *message;
};

/* Of a replica that failed: EXITED with a status or a signal, START_FAILED or LOST. job_name: for the hint. */
struct job_error job_error_of_replica(const struct execution_event *event, const char *job_name);
struct job_error job_error_cancelled(void);
/* scheduling.timeout ran out. */
struct job_error job_error_timeout(int64_t timeout_ns);
/* scheduling.max_wait_duration ran out. */
struct job_error job_error_wait(int64_t wait_ns);
/* More replicas than this server runs at once, since when it was started anew with fewer. */
struct job_error job_error_too_large(uint32_t replica_count, uint32_t replicas_max);
/* More than this host has, since it or what is told of it has changed. */
struct job_error job_error_never_fits(void);
/* A plan could not be made. */
struct job_error job_error_of(const struct err *err);
/* A job that should run, and nobody knows of its replicas. */
struct job_error job_error_no_record(void);

/* Replaces what is no UTF-8, and every NUL before size. */
void text_make_utf8(char *text, size_t size);

C_DECLS_END

#endif /* JOB_JOB_ERROR_H_ */
