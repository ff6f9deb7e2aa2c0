/* conf: what the supervisor is told in the attempt directory: conf, argv and env.
 *
 * Used by   main.c.
 * Shape     conf: lines key=value, "#" comments, each key but bind at most once, unknown ones refused:
 *             uid, gid              numbers; both or none. The process runs as them
 *             groups                supplementary groups, numbers with commas; needs uid
 *             user                  in place of these three: as an image names it, user.h
 *             grace_ms              from SIGTERM to SIGKILL when the supervisor itself is told to end; default 30000
 *             log_bytes_max         per stream; default 64 MiB
 *             log_bytes_per_s_max   per stream; default: any. log_overflow: drop (default) or wait, what comes faster
 *             workdir               absolute; default: the attempt directory
 *             cgroup                yes (default) or no: a control group of its own where the host lets it; or engine: the
 *                                   supervisor's own is the replica's, and somebody else's to limit
 *             no_new_privileges     yes (default) or no
 *             open_files            soft limit of open descriptors for the process, cut to the hard one; default: inherited
 *             memory_bytes_max, cpus_milli_max, pids_max   what the replica may use, where the host lets it be limited;
 *                                   default: as much as there is
 *             bind                  DIR:POINT, several times: DIR is seen as POINT, which is below /mnt/nfs or /mnt/lustre,
 *                                   in a mount namespace of the process's own
 *             buckets_dir           absolute: seen by the process as /gcs, in a mount namespace of its own
 *           argv, env: strings, each with its closing NUL.
 * Owns      the mappings that argv, env and the paths point into, until they are forgotten.      Heap    none.
 * Errors    -1 and *failure tells what of which file.
 */
#ifndef SUPERVISOR_CONF_H_
#define SUPERVISOR_CONF_H_

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/failure.h"
#include "supervisor/limits.h"
#include "supervisor/logs.h"

#define CONF_GROUPS_MAX 64
#define CONF_BINDS_MAX 16
#define CONF_USER_BYTES 256
#define CONF_HOME_BYTES 1024

/* Of argv and env each the bytes and the list, and the text of conf. */
#define CONF_MAPPINGS_MAX 5

struct conf_mapping {
    void *start;
    size_t size;
};

struct conf {
    bool has_user;
    uid_t uid;
    gid_t gid;
    gid_t groups[CONF_GROUPS_MAX];
    size_t group_count;
    uint32_t grace_ms;
    struct logs_limits logs;
    uint64_t open_files; /* 0: inherited */
    struct limit_amounts limits;
    const char *workdir;         /* of the mappings, as the next two; NULL: the attempt directory */
    const char *buckets_dir;     /* NULL: none */
    char *binds[CONF_BINDS_MAX]; /* "DIR:POINT" */
    size_t bind_count;
    bool cgroup;
    bool cgroup_of_engine;
    bool no_new_privileges;
    char **argv; /* NULL terminated, at least one */
    char **env;
    struct conf_mapping mappings[CONF_MAPPINGS_MAX];
    size_t mapping_count;
    char user[CONF_USER_BYTES]; /* "" for none */
    char home_entry[CONF_HOME_BYTES + 8];
};

int conf_read(int dir_fd, struct conf *ret_conf, struct failure *failure);
/* Gives the memory of argv, env and the paths back: a supervisor needs none of them once the process is made. */
void conf_forget_strings(struct conf *conf);

#endif /* SUPERVISOR_CONF_H_ */
