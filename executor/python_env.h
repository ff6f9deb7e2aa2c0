/* python_env: how python_package_spec runs on a host: an environment of its own, the packages, then the module.
 *
 * Used by   process_execution.c.
 * Shape     an argv for the replica itself, so that its logs, limits and exit status hold for the installation too:
 *           /bin/sh with a constant script; names and arguments are its parameters, never part of its text. The
 *           environment is made by `uv` when that is on the replica's PATH, else by `python3 -m venv` and pip; it sees
 *           the host's own Python packages, which stand for those of a training image. Packages are installed in order.
 * Errors    ERR_INVALID for a package that is neither a path nor file:// nor gs:// (below the buckets directory).
 * Source    docs/execution.md; the service's documentation
 */
#ifndef EXECUTOR_PYTHON_ENV_H_
#define EXECUTOR_PYTHON_ENV_H_

#include "executor/executor.h"

C_DECLS_BEGIN

/* NULL terminated, in one allocation that free() frees. buckets_dir may be NULL. */
MUST_USE int python_env_argv(const struct task *task, const char *buckets_dir, const char ***ret_argv, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_PYTHON_ENV_H_ */
