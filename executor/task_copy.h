/* task_copy: an own copy of a task, in one allocation.
 *
 * Used by   executors, which outlive the caller's task.
 * Owns      all texts of the copy; free() frees it.
 * Errors    ERR_INVALID for a task no executor could run: no program, an environment name that is none, texts past
 *           what an exec takes; ERR_EXHAUSTED when memory is gone.
 */
#ifndef EXECUTOR_TASK_COPY_H_
#define EXECUTOR_TASK_COPY_H_

#include "executor/executor.h"

C_DECLS_BEGIN

MUST_USE int task_copy_create(const struct task *task, struct task **ret_copy, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_TASK_COPY_H_ */
