/* service_log: the server's own lines about a job, in service.log beside its attempts.
 *
 * Used by   process_thread.c; read by log_file.c.
 * Shape     supervisor_wire_log.h, as the replicas' logs; at most SERVICE_LOG_BYTES_MAX, what comes later is dropped.
 * Thread    the executor's.      Blocks    on the disk.
 * Errors    none: a line that cannot be written is lost; it never holds up a job.
 */
#ifndef EXECUTOR_SERVICE_LOG_H_
#define EXECUTOR_SERVICE_LOG_H_

#include "executor/process_config.h"

C_DECLS_BEGIN

#define SERVICE_LOG_FILE "service.log"
#define SERVICE_LOG_BYTES_MAX (1024 * 1024)

void service_log_append(const struct process_config *config, uint64_t job_id, int64_t time_unix_ns, const char *text);

C_DECLS_END

#endif /* EXECUTOR_SERVICE_LOG_H_ */
