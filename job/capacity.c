#include "job/capacity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capacity {
    const struct capacity_rules *rules; /* NULL: places alone */
    struct resources total;
    struct resources held;
    uint32_t *holders; /* of each device; more than one where records said so */
    size_t device_count;
};

int capacity_create(const struct capacity_rules *rules, uint32_t replicas_max, struct capacity **ret_capacity,
                    struct err *err)
{
    struct capacity *capacity = calloc(1, sizeof *capacity);

    if (capacity) {
        capacity->rules = rules;
        capacity->device_count = rules ? capacity_rules_device_count(rules) : 0;
        capacity->holders = calloc(capacity->device_count + 1, sizeof *capacity->holders);
    }
    if (!capacity || !capacity->holders) {
        free(capacity);
        return err_set(err, ERR_EXHAUSTED, "no memory for the capacity of this host");
    }
    capacity->total = (struct resources){.cpus_milli = UINT64_MAX, .memory_bytes = UINT64_MAX};
    if (rules) {
        capacity->total = capacity_rules_total(rules);
    }
    capacity->total.replicas = replicas_max;
    *ret_capacity = capacity;
    return 0;
}

void capacity_destroy(struct capacity *capacity)
{
    if (capacity) {
        free(capacity->holders);
        free(capacity);
    }
}

struct resources capacity_total(const struct capacity *capacity)
{
    return capacity->total;
}

/* Devices are looked at one by one: one that two replicas hold is not two. */
struct resources capacity_free(const struct capacity *capacity)
{
    struct resources free = capacity->total;

    resources_subtract(&free, &capacity->held);
    for (size_t i = 0; i < capacity->device_count; i++) {
        unsigned class_index;

        (void)capacity_rules_device(capacity->rules, i, &class_index);
        free.devices[class_index] = (uint16_t)(free.devices[class_index] - (capacity->holders[i] > 0 ? 1 : 0));
    }
    return free;
}

/* ---- what a replica holds, in the words of its record ---- */

/* The next id of a list, and what follows it. */
static struct span next_id(const char **list)
{
    size_t size = strcspn(*list, ",");
    struct span id = span_make(*list, size);

    *list += size + ((*list)[size] == ',' ? 1 : 0);
    return id;
}

static void count_devices(struct capacity *capacity, const char *list, bool is_held)
{
    while (list && *list) {
        struct span id = next_id(&list);

        for (size_t i = 0; i < capacity->device_count; i++) {
            unsigned class_index;

            if (span_equal_text(id, capacity_rules_device(capacity->rules, i, &class_index))) {
                capacity->holders[i] += is_held ? 1 : 0;
                capacity->holders[i] -= !is_held && capacity->holders[i] > 0 ? 1 : 0;
                break;
            }
        }
    }
}

static void count(struct capacity *capacity, const struct execution *execution, bool is_held)
{
    struct resources held = {.replicas = execution->replica_count};

    for (uint32_t i = 0; i < execution->replica_count; i++) {
        const struct replica *replica = &execution->replicas[i];
        const struct resources amounts = {.cpus_milli = replica->cpus_milli, .memory_bytes = replica->memory_bytes};

        resources_add(&held, &amounts);
        count_devices(capacity, replica->devices, is_held);
    }
    if (is_held) {
        resources_add(&capacity->held, &held);
    } else {
        resources_subtract(&capacity->held, &held);
    }
}

void capacity_claim(struct capacity *capacity, const struct execution *execution)
{
    count(capacity, execution, true);
}

void capacity_release(struct capacity *capacity, const struct execution *execution)
{
    count(capacity, execution, false);
}

/* ---- taking ---- */

/* Appends the next free device of the classes to the list, which has room. False: there is none. */
static bool pick_device(struct capacity *capacity, unsigned classes, char *list, size_t list_bytes)
{
    size_t size = strlen(list);

    for (size_t i = 0; i < capacity->device_count; i++) {
        unsigned class_index;
        const char *id = capacity_rules_device(capacity->rules, i, &class_index);

        if (capacity->holders[i] == 0 && classes & (1u << class_index)) {
            capacity->holders[i]++;
            snprintf(list + size, list_bytes - size, "%s%s", size > 0 ? "," : "", id);
            return true;
        }
    }
    return false;
}

static int pick_devices(struct capacity *capacity, const struct pool_ask *pool, struct replica *replica,
                        struct err *err)
{
    size_t list_bytes = (size_t)pool->devices * sizeof((struct host_device *)0)->id + 1;

    /* Where devices are counted none is a list too: who says nothing has them all. */
    replica->devices = calloc(1, list_bytes);
    if (!replica->devices) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a list of devices");
    }
    for (unsigned i = 0; i < pool->devices; i++) {
        if (!pick_device(capacity, pool->classes, replica->devices, list_bytes)) {
            return err_set(err, ERR_INTERNAL, "%u devices were counted as free, and %u are", pool->devices, i);
        }
    }
    return 0;
}

/* Those that take the fewest classes first, as resources_place counts. */
static int pick_all(struct capacity *capacity, const struct job_ask *ask, struct execution *execution, struct err *err)
{
    for (int width = 0; width <= RESOURCE_CLASSES_MAX && capacity->rules; width++) {
        for (uint32_t i = 0; i < execution->replica_count; i++) {
            struct replica *replica = &execution->replicas[i];
            const struct pool_ask *pool = &ask->pools[replica->pool_index];

            if (__builtin_popcount(pool->devices > 0 ? pool->classes : 0) == width &&
                pick_devices(capacity, pool, replica, err)) {
                return -1;
            }
        }
    }
    return 0;
}

int capacity_take(struct capacity *capacity, const struct job_ask *ask, struct execution *execution, struct err *err)
{
    if (pick_all(capacity, ask, execution, err)) {
        for (uint32_t i = 0; i < execution->replica_count; i++) {
            count_devices(capacity, execution->replicas[i].devices, false);
        }
        return -1;
    }
    for (uint32_t i = 0; i < execution->replica_count; i++) {
        struct replica *replica = &execution->replicas[i];
        const struct pool_ask *pool = &ask->pools[replica->pool_index];
        const struct resources amounts = {
            .replicas = 1, .cpus_milli = pool->cpus_milli, .memory_bytes = pool->memory_bytes};

        replica->cpus_milli = pool->cpus_milli;
        replica->memory_bytes = pool->memory_bytes;
        resources_add(&capacity->held, &amounts);
    }
    return 0;
}
