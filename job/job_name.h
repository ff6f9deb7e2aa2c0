/* job_name: the parts of a CustomJob's name, "projects/P/locations/L/customJobs/ID".
 *
 * Used by   job_plan.c, controller files.
 * Owns      nothing: spans point into the name.
 * Errors    ERR_INVALID when it is no such name.
 */
#ifndef JOB_JOB_NAME_H_
#define JOB_JOB_NAME_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct job_name {
    struct span project;
    struct span location;
    struct span parent; /* "projects/P/locations/L" */
    struct span id_text;
    uint64_t id;
};

MUST_USE int job_name_parse(struct span name, struct job_name *ret_name, struct err *err);

/* The number in the last segment of a name of any kind; 0 when it is none. */
uint64_t job_name_last_id(struct span name);

C_DECLS_END

#endif /* JOB_JOB_NAME_H_ */
