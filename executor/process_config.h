/* process_config: the process executor's options, checked and made fit for use.
 *
 * Used by   executor_process.c (makes it), the executor's thread (reads it).
 * Shape     everything that could be looked up or refused is, once, before the first replica: the user and its groups,
 *           the values of passed variables, whether /gcs can be mounted.
 * Thread    read only after init.      Blocks    init and deinit.
 * Errors    ERR_INVALID names the option; ERR_DENIED for what only root can do.
 */
#ifndef EXECUTOR_PROCESS_CONFIG_H_
#define EXECUTOR_PROCESS_CONFIG_H_

#include <stdbool.h>
#include <sys/types.h>

#include "executor/executor_process.h"

C_DECLS_BEGIN

/* As many as supervisor/conf.h takes. */
#define PROCESS_GROUPS_MAX 64

struct process_config {
    char *attempts_dir; /* absolute, without symbolic links */
    int attempts_fd;
    char *supervisor_path; /* absolute */
    char *buckets_dir;     /* absolute; NULL: none */
    bool mounts_buckets;   /* replicas see it as /gcs */
    bool has_user;
    uid_t uid;
    gid_t gid;
    gid_t groups[PROCESS_GROUPS_MAX];
    size_t group_count;
    char *user_name;
    char **passed_env; /* "NAME=value", NULL terminated */
    uint64_t log_bytes_max;
    uint64_t log_bytes_per_s_max; /* 0: any */
    bool log_waits;
    char *docker_auths;  /* config.json of docker; NULL: none */
    uint64_t open_files; /* 0: inherited */
    const struct clock *clock;
    struct keyring *keys;
    void (*log)(void *context, const char *line);
    void *log_context;
};

MUST_USE int process_config_init(struct process_config *config, const struct executor_process_options *options,
                                 struct err *err);
void process_config_deinit(struct process_config *config);

/* Of directories on the way to a replica's home, which its user has to pass. */
mode_t process_config_dir_mode(const struct process_config *config);

C_DECLS_END

#endif /* EXECUTOR_PROCESS_CONFIG_H_ */
