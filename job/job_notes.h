/* job_notes: the fields of a CustomJob that are kept and given back, and have no effect on one's own hardware.
 *
 * Used by   decide_create.c, which tells each one once in the job's service log.
 * Errors    none: lines are cut when they are too long.
 */
#ifndef JOB_JOB_NOTES_H_
#define JOB_JOB_NOTES_H_

#include "base/err.h"
#include "job/api.h"

C_DECLS_BEGIN

typedef void (*job_note_fn)(void *context, const char *line);

void job_notes_visit(const API(CustomJob) * job, job_note_fn note, void *context);

C_DECLS_END

#endif /* JOB_JOB_NOTES_H_ */
