/* plan_program: what one worker pool runs, from either of its two task messages.
 *
 * Used by   job_plan.c.
 * Owns      nothing: texts lie in the arena, views and entries in the decoded job.
 * Errors    ERR_INVALID with the field below the pool; ERR_EXHAUSTED.
 */
#ifndef JOB_PLAN_PROGRAM_H_
#define JOB_PLAN_PROGRAM_H_

#include <stddef.h>

#include "base/err.h"
#include "job/api.h"

C_DECLS_BEGIN

struct plan_program {
    const char *field; /* "container_spec", "python_package_spec" */
    const upb_StringView *command;
    const upb_StringView *args;
    const API(EnvVar) *const *env;
    size_t command_count;
    size_t args_count;
    size_t env_count;
    const char *image_uri;
    const char *python_module;       /* NULL for a container */
    const char *const *package_uris; /* NULL for a container */
    const char *description;         /* the JSON text that stands as "job" in CLUSTER_SPEC */
};

MUST_USE int plan_program_read(const API(WorkerPoolSpec) * pool, upb_Arena *arena, struct plan_program *ret_program,
                               struct err *err);

C_DECLS_END

#endif /* JOB_PLAN_PROGRAM_H_ */
