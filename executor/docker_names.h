/* docker_names: what containers, networks and hosts of a job are called, and how they are found again.
 *
 * Used by   docker_launch.c, docker_lane.c, executor_docker.c.
 * Shape     a container is named by its attempt's key, a network customjob-<job_id>. Each has a label with the attempts
 *           directory of the server it belongs to, so that servers that share an engine leave each other alone, and one
 *           that adds the job.
 * Thread    any.
 */
#ifndef EXECUTOR_DOCKER_NAMES_H_
#define EXECUTOR_DOCKER_NAMES_H_

#include <limits.h>
#include <stdbool.h>

#include "executor/docker_api.h"
#include "executor/executor.h"

C_DECLS_BEGIN

#define DOCKER_LABEL_HOME "customjobd.attempts" /* the attempts directory */
#define DOCKER_LABEL_JOB "customjobd.job"       /* the same, a slash and the job's id */

#define DOCKER_LABEL_COUNT 2
#define DOCKER_NETWORK_BYTES 40
#define DOCKER_HOST_BYTES 64
#define DOCKER_PORT 2222

/* As on Vertex AI; of one replica, whatever attempt it is in. At most 63 bytes. */
void docker_host_name(const struct execution_key *key, char host[DOCKER_HOST_BYTES]);
void docker_network_name(uint64_t job_id, char network[DOCKER_NETWORK_BYTES]);
/* False: it is no such name. */
bool docker_network_parse(const char *network, uint64_t *ret_job_id);

struct docker_names {
    char job_label[PATH_MAX + 24];
    struct docker_label labels[DOCKER_LABEL_COUNT]; /* home, job */
};

/* attempts_dir must outlive the names; the names must not be moved. */
void docker_names_init(struct docker_names *names, const char *attempts_dir, uint64_t job_id);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_NAMES_H_ */
