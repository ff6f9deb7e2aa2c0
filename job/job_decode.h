/* job_decode: a stored CustomJob as a upb message, and its pools as this server counts them.
 *
 * Used by   job_shape.c, job_plan.c, job_notes.c.
 * Owns      the message lives as long as the arena and borrows its strings from the wire bytes.
 * Errors    ERR_CORRUPT when the bytes do not decode, ERR_EXHAUSTED when memory is gone.
 */
#ifndef JOB_JOB_DECODE_H_
#define JOB_JOB_DECODE_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/api.h"
#include "job/job_plan.h" /* struct job_shape */

C_DECLS_BEGIN

MUST_USE int job_decode(struct span custom_job_wire, upb_Arena *arena, const API(CustomJob) * *ret_job,
                        struct err *err);

/* The same as job_shape_read, of a message. */
MUST_USE int job_shape_of(const API(CustomJob) * job, struct job_shape *ret_shape, struct err *err);

C_DECLS_END

#endif /* JOB_JOB_DECODE_H_ */
