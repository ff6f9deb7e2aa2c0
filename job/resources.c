#include "job/resources.h"

#include <stddef.h>

/* left * right, or all there is. */
static uint64_t times(uint64_t left, uint64_t right)
{
    uint64_t product;

    return __builtin_mul_overflow(left, right, &product) ? UINT64_MAX : product;
}

static uint64_t plus(uint64_t left, uint64_t right)
{
    uint64_t sum;

    return __builtin_add_overflow(left, right, &sum) ? UINT64_MAX : sum;
}

/* Gives count devices out of the classes; false: there are not so many left. */
static bool give(uint16_t free[RESOURCE_CLASSES_MAX], unsigned classes, uint64_t count,
                 uint16_t given[RESOURCE_CLASSES_MAX])
{
    for (size_t i = 0; i < RESOURCE_CLASSES_MAX && count > 0; i++) {
        if (classes & (1u << i)) {
            uint16_t part = count < free[i] ? (uint16_t)count : free[i];

            free[i] = (uint16_t)(free[i] - part);
            given[i] = (uint16_t)(given[i] + part);
            count -= part;
        }
    }
    return count == 0;
}

static bool place_devices(const struct resources *free, const struct job_ask *ask, struct resources *need)
{
    uint16_t left[RESOURCE_CLASSES_MAX];

    for (size_t i = 0; i < RESOURCE_CLASSES_MAX; i++) {
        left[i] = free->devices[i];
    }
    /* The narrowest first. */
    for (int width = 1; width <= RESOURCE_CLASSES_MAX; width++) {
        for (uint32_t i = 0; i < ask->pool_count; i++) {
            const struct pool_ask *pool = &ask->pools[i];

            if (pool->devices > 0 && __builtin_popcount(pool->classes) == width &&
                !give(left, pool->classes, times(pool->replicas, pool->devices), need->devices)) {
                return false;
            }
        }
    }
    return true;
}

bool resources_place(const struct resources *free, const struct job_ask *ask, struct resources *ret_need)
{
    struct resources need = {0};
    uint64_t replicas = 0;

    for (uint32_t i = 0; i < ask->pool_count; i++) {
        const struct pool_ask *pool = &ask->pools[i];

        if (pool->devices > 0 && pool->classes == 0) {
            return false;
        }
        replicas += pool->replicas;
        need.cpus_milli = plus(need.cpus_milli, times(pool->replicas, pool->cpus_milli));
        need.memory_bytes = plus(need.memory_bytes, times(pool->replicas, pool->memory_bytes));
    }
    if (replicas > free->replicas || need.cpus_milli > free->cpus_milli || need.memory_bytes > free->memory_bytes ||
        !place_devices(free, ask, &need)) {
        return false;
    }
    need.replicas = (uint32_t)replicas;
    *ret_need = need;
    return true;
}

void resources_add(struct resources *left, const struct resources *right)
{
    uint32_t replicas;

    left->replicas = __builtin_add_overflow(left->replicas, right->replicas, &replicas) ? UINT32_MAX : replicas;
    left->cpus_milli = plus(left->cpus_milli, right->cpus_milli);
    left->memory_bytes = plus(left->memory_bytes, right->memory_bytes);
    for (size_t i = 0; i < RESOURCE_CLASSES_MAX; i++) {
        left->devices[i] = (uint16_t)(left->devices[i] + right->devices[i]);
    }
}

void resources_subtract(struct resources *left, const struct resources *right)
{
    left->replicas -= left->replicas < right->replicas ? left->replicas : right->replicas;
    left->cpus_milli -= left->cpus_milli < right->cpus_milli ? left->cpus_milli : right->cpus_milli;
    left->memory_bytes -= left->memory_bytes < right->memory_bytes ? left->memory_bytes : right->memory_bytes;
    for (size_t i = 0; i < RESOURCE_CLASSES_MAX; i++) {
        uint16_t most = left->devices[i] < right->devices[i] ? left->devices[i] : right->devices[i];

        left->devices[i] = (uint16_t)(left->devices[i] - most);
    }
}
