/* process_parts: what the executors whose replicas have supervisors share: one attempts directory and its thread.
 *
 * Used by   executor_process.c, executor_docker.c.
 * Shape     all commands but start, and the logs, are the same, whatever a replica runs in.
 */
#ifndef EXECUTOR_PROCESS_PARTS_H_
#define EXECUTOR_PROCESS_PARTS_H_

#include "executor/executor.h"
#include "executor/process_config.h"
#include "executor/process_thread.h"

C_DECLS_BEGIN

struct process_parts {
    struct executor executor; /* first */
    struct process_config config;
    struct process_thread *thread;
};

/* What executor is struct process_parts does: adopt, stop, remove, has_files, service_log, seal and log calls; the others
 * are NULL. */
struct executor_ops process_parts_ops(void);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_PARTS_H_ */
