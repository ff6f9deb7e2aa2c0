#include "executor/port_pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct holder {
    bool held;
    uint64_t job_id;
    uint32_t job_attempt, pool_index, replica_index;
};

struct port_pool {
    uint16_t first;
    size_t count;
    size_t next; /* where the search goes on */
    struct holder holders[];
};

int port_pool_create(uint16_t first, uint16_t last, struct port_pool **ret_pool, struct err *err)
{
    struct port_pool *pool;

    if (first == 0 || last < first) {
        return err_set(err, ERR_INVALID, "%u to %u is no range of ports", (unsigned)first, (unsigned)last);
    }
    pool = calloc(1, sizeof *pool + ((size_t)last - first + 1) * sizeof pool->holders[0]);
    if (!pool) {
        return err_set(err, ERR_EXHAUSTED, "no memory for ports");
    }
    pool->first = first;
    pool->count = (size_t)last - first + 1;
    *ret_pool = pool;
    return 0;
}

void port_pool_destroy(struct port_pool *pool)
{
    free(pool);
}

/* Without SO_REUSEADDR: a port somebody listens on, is bound to or just left is not free. */
static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound;

    if (fd < 0) {
        return false;
    }
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    bound = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return bound;
}

static bool holds(const struct holder *holder, const struct execution_key *key)
{
    return holder->held && holder->job_id == key->job_id && holder->job_attempt == key->job_attempt &&
           holder->pool_index == key->pool_index && holder->replica_index == key->replica_index;
}

static void hold(struct holder *holder, const struct execution_key *key)
{
    *holder = (struct holder){.held = true,
                              .job_id = key->job_id,
                              .job_attempt = key->job_attempt,
                              .pool_index = key->pool_index,
                              .replica_index = key->replica_index};
}

static size_t count_held(const struct port_pool *pool, uint64_t job_id)
{
    size_t count = 0;

    for (size_t i = 0; i < pool->count; i++) {
        count += pool->holders[i].held && pool->holders[i].job_id == job_id;
    }
    return count;
}

int port_pool_assign(struct port_pool *pool, const struct execution_key *key, uint16_t *ret_port, struct err *err)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (holds(&pool->holders[i], key)) {
            *ret_port = (uint16_t)(pool->first + i);
            return 0;
        }
    }
    for (size_t tried = 0; tried < pool->count; tried++) {
        size_t index = pool->next;

        pool->next = (pool->next + 1) % pool->count;
        if (!pool->holders[index].held && is_free((uint16_t)(pool->first + index))) {
            hold(&pool->holders[index], key);
            *ret_port = (uint16_t)(pool->first + index);
            return 0;
        }
    }
    if (count_held(pool, key->job_id) == pool->count) {
        return err_set(err, ERR_INVALID, "the job has more replicas than there are ports from %u to %u",
                       (unsigned)pool->first, (unsigned)(pool->first + pool->count - 1));
    }
    return err_set(err, ERR_EXHAUSTED, "no port from %u to %u is free for another replica", (unsigned)pool->first,
                   (unsigned)(pool->first + pool->count - 1));
}

void port_pool_claim(struct port_pool *pool, const struct execution_key *key, uint16_t port)
{
    if (port >= pool->first && (size_t)(port - pool->first) < pool->count) {
        hold(&pool->holders[port - pool->first], key);
    }
}

void port_pool_release(struct port_pool *pool, uint64_t job_id)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->holders[i].held && pool->holders[i].job_id == job_id) {
            pool->holders[i].held = false;
        }
    }
}
