#include "executor/docker_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NETWORK_HEAD "customjob-"
/* Ten hexadecimal digits. */
#define HOST_ID_MASK UINT64_C(0xffffffffff)

void docker_host_name(const struct execution_key *key, char host[DOCKER_HOST_BYTES])
{
    (void)snprintf(host, DOCKER_HOST_BYTES, "cmle-training-workerpool%u-%010" PRIx64 "-%u", key->pool_index,
                   key->job_id & HOST_ID_MASK, key->replica_index);
}

void docker_network_name(uint64_t job_id, char network[DOCKER_NETWORK_BYTES])
{
    (void)snprintf(network, DOCKER_NETWORK_BYTES, NETWORK_HEAD "%" PRIu64, job_id);
}

bool docker_network_parse(const char *network, uint64_t *ret_job_id)
{
    char again[DOCKER_NETWORK_BYTES];
    uint64_t job_id;

    if (strncmp(network, NETWORK_HEAD, strlen(NETWORK_HEAD)) != 0) {
        return false;
    }
    job_id = strtoull(network + strlen(NETWORK_HEAD), NULL, 10);
    docker_network_name(job_id, again);
    if (strcmp(network, again) != 0) {
        return false;
    }
    *ret_job_id = job_id;
    return true;
}

void docker_names_init(struct docker_names *names, const char *attempts_dir, uint64_t job_id)
{
    (void)snprintf(names->job_label, sizeof names->job_label, "%s/%" PRIu64, attempts_dir, job_id);
    names->labels[0] = (struct docker_label){DOCKER_LABEL_HOME, attempts_dir};
    names->labels[1] = (struct docker_label){DOCKER_LABEL_JOB, names->job_label};
}
