/* executor_process: replicas as processes of this host, each beside its own supervisor that outlives the server.
 *
 * Used by   server/main.c.
 * Shape     DATA_DIR/attempts/<job_id>/<key>/: argv env conf lock events sock home/ stdout.log stderr.log;
 *           DATA_DIR/attempts/<job_id>/service.log. Of a job that names a key NAME.sealed (attempt_sealer.h). docs/execution.md tells all of it.
 * Thread, Errors  as executor.h. executor_process_create finds nothing by itself: the controller calls adopt.
 */
#ifndef EXECUTOR_EXECUTOR_PROCESS_H_
#define EXECUTOR_EXECUTOR_PROCESS_H_

#include "executor/executor.h"

C_DECLS_BEGIN

struct executor_process_options {
    const char *attempts_dir;      /* made when absent */
    const char *supervisor_path;   /* the customjob-supervisor program */
    bool mounts;                   /* tasks may have mounts: refused where they cannot be made */
    const char *buckets_dir;       /* NULL: none */
    const char *job_user;          /* NULL: the server's own user */
    const char *const *pass_env;   /* names taken over from the server's environment; NULL terminated; may be NULL */
    uint64_t log_stream_bytes_max; /* per stream; 0: the default */
    uint64_t log_stream_bytes_per_s_max; /* 0: any */
    bool log_waits;                      /* what comes faster waits; else it is dropped and counted */
    uint64_t open_files;                 /* replicas' soft limit of descriptors; 0: the server's own */
    uint16_t port_first, port_last;      /* for replicas; 0: 20000..29999, outside the ephemeral range */
    const struct clock *clock;
    struct keyring *keys; /* what jobs' files are sealed with; must outlive the executor; NULL: none */
    /* One line worth an operator's eye, from a thread of the executor; NULL: none. */
    void (*log)(void *context, const char *line);
    void *log_context;
};

MUST_USE int executor_process_create(const struct executor_process_options *options, struct execution_sink sink,
                                     struct executor **ret_executor, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_EXECUTOR_PROCESS_H_ */
