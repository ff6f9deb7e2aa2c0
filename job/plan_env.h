/* plan_env: the environment of one task while it is put together, and the expansion of $(VAR) in it.
 *
 * Used by   job_plan.c, plan_cluster.c.
 * Shape     names are unique; setting one again replaces its value in its place.
 *           $(NAME) becomes the value of NAME if it is set by then and stays as it is otherwise; $$ becomes $, so that
 *           $$(NAME) is the text "$(NAME)". What was put in is not expanded again. (As Kubernetes does.)
 * Owns      nothing: all texts lie in the arena.
 * Errors    ERR_INVALID above LIMIT_EXEC_STRING_BYTES or with a NUL within; ERR_EXHAUSTED when memory is gone.
 * Source    env_var.proto, EnvVar.value; custom_job.proto, ContainerSpec.
 */
#ifndef JOB_PLAN_ENV_H_
#define JOB_PLAN_ENV_H_

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "executor/executor.h" /* struct env_entry */

C_DECLS_BEGIN

struct upb_Arena;

struct plan_env {
    struct upb_Arena *arena;
    struct env_entry *items;
    size_t count;
    size_t capacity;
};

/* A copy with a NUL at its end. what: names the text in an error. */
MUST_USE int plan_text(struct upb_Arena *arena, const char *what, struct span text, const char **ret_text,
                       struct err *err);

/* capacity: entries at most. */
MUST_USE int plan_env_init(struct plan_env *env, struct upb_Arena *arena, size_t capacity, struct err *err);
MUST_USE int plan_env_set(struct plan_env *env, struct span name, struct span value, struct err *err);
/* value: printed; cut above 1023 bytes, so for short things only. */
MUST_USE int plan_env_setf(struct plan_env *env, const char *name, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

MUST_USE int plan_expand(const struct plan_env *env, const char *what, struct span text, const char **ret_text,
                         struct err *err);

C_DECLS_END

#endif /* JOB_PLAN_ENV_H_ */
