/* executor_docker: replicas as containers of a Docker engine on this host, each with its supervisor as first process.
 *
 * Used by   server/main_serve.c.
 * Shape     the attempt directory is that of executor_process.h, without home/, bound into the container; so events, logs,
 *           stops and adoption are the same, and neither server nor engine has to be there for them. A container has its
 *           attempt's key for a name; those of a job share a network, on which each has a host name and port 2222.
 *           docs/execution.md tells all of it.
 * Thread, Errors  as executor.h. executor_docker_create reaches no engine; where none answers, starts fail by events.
 */
#ifndef EXECUTOR_EXECUTOR_DOCKER_H_
#define EXECUTOR_EXECUTOR_DOCKER_H_

#include "executor/executor.h"

C_DECLS_BEGIN

#define EXECUTOR_DOCKER_SOCKET "/var/run/docker.sock"

struct executor_docker_options {
    const char *socket_path;       /* of the engine; NULL: EXECUTOR_DOCKER_SOCKET */
    const char *attempts_dir;      /* made when absent */
    const char *supervisor_path;   /* the customjob-supervisor program; it runs within containers */
    const char *auths;             /* config.json of docker, which need not be there; NULL: none */
    const char *buckets_dir;       /* seen by replicas as /gcs; NULL: none */
    const char *const *pass_env;   /* names taken over from the server's environment; NULL terminated; may be NULL */
    uint64_t log_stream_bytes_max; /* per stream; 0: the default */
    uint64_t log_stream_bytes_per_s_max; /* 0: any */
    bool log_waits;                      /* what comes faster waits; else it is dropped and counted */
    const struct clock *clock;
    struct keyring *keys; /* as in executor_process.h */
    void (*log)(void *context, const char *line);
    void *log_context;
};

MUST_USE int executor_docker_create(const struct executor_docker_options *options, struct execution_sink sink,
                                    struct executor **ret_executor, struct err *err);

/* Whether an engine answers there that this executor can use; blocks for half a minute at most. */
MUST_USE int executor_docker_check(const char *socket_path, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_EXECUTOR_DOCKER_H_ */
