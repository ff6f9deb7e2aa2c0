/* resources: amounts of what a host has, and what a job asks of them; arithmetic that never overflows.
 *
 * Used by   capacity.c, capacity_rules.c, schedule_*.c.
 * Shape     devices are counted by class: those of a class are alike for every ask. An ask names the classes it takes,
 *           as bits. The sets that asks of one host name are disjoint or one within the other, so that giving to the
 *           narrowest first finds a place whenever there is one.
 * Units     thousandths of a processor, bytes.
 * Thread    values.
 */
#ifndef JOB_RESOURCES_H_
#define JOB_RESOURCES_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

#define RESOURCE_CLASSES_MAX 8
#define RESOURCE_POOLS_MAX 8

struct resources {
    uint32_t replicas;
    uint16_t devices[RESOURCE_CLASSES_MAX];
    uint64_t cpus_milli;
    uint64_t memory_bytes;
};

/* What each replica of a pool asks. */
struct pool_ask {
    uint32_t replicas;
    uint16_t devices;
    uint16_t classes; /* any of these will do */
    uint64_t cpus_milli;
    uint64_t memory_bytes;
};

struct job_ask {
    uint32_t pool_count; /* at most RESOURCE_POOLS_MAX */
    struct pool_ask *pools;
};

/* Whether all of a job finds a place in what is free; *ret_need: what it takes then. */
bool resources_place(const struct resources *free, const struct job_ask *ask, struct resources *ret_need);
/* At most so much as there is: more than all is all. */
void resources_add(struct resources *left, const struct resources *right);
/* Below nothing is nothing. */
void resources_subtract(struct resources *left, const struct resources *right);

C_DECLS_END

#endif /* JOB_RESOURCES_H_ */
