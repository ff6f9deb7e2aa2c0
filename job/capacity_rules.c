#include "job/capacity_rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job_decode.h"
#include "job/job_plan.h"

#define MIB UINT64_C(1048576)
#define ACCELERATOR_TYPES_MAX 32

struct device {
    char id[sizeof((struct host_device *)0)->id];
    unsigned class_index;
};

/* Devices that every ask takes alike: of the same accelerator types, and all whole or all partitions. */
struct device_class {
    uint32_t types; /* a bit for each accelerator type */
    bool is_partition;
    uint16_t count;
};

struct capacity_rules {
    enum capacity_mode mode;
    const struct machine_types *types;
    uint64_t cpus_milli;
    uint64_t memory_bytes;
    struct device_class classes[RESOURCE_CLASSES_MAX];
    unsigned class_count;
    struct device *devices;
    size_t device_count;
};

/* ---- the host ---- */

static uint32_t types_of(const struct machine_types *types, const char *model)
{
    uint32_t bits = 0;

    for (int32_t type = 1; type < ACCELERATOR_TYPES_MAX; type++) {
        bits |= machine_types_is_model(types, type, model) ? 1u << type : 0;
    }
    return bits;
}

/* Where there are more kinds than classes, those that come last are of the last one, and of no type. */
static unsigned find_class(struct capacity_rules *rules, uint32_t types, bool is_partition)
{
    for (unsigned i = 0; i < rules->class_count; i++) {
        if (rules->classes[i].types == types && rules->classes[i].is_partition == is_partition) {
            return i;
        }
    }
    if (rules->class_count == RESOURCE_CLASSES_MAX) {
        rules->classes[RESOURCE_CLASSES_MAX - 1].types = 0;
        return RESOURCE_CLASSES_MAX - 1;
    }
    rules->classes[rules->class_count] = (struct device_class){.types = types, .is_partition = is_partition};
    return rules->class_count++;
}

int capacity_rules_create(enum capacity_mode mode, const struct host_inventory *host, const struct machine_types *types,
                          struct capacity_rules **ret_rules, struct err *err)
{
    struct capacity_rules *rules = calloc(1, sizeof *rules);

    if (rules) {
        rules->devices = calloc(host->device_count + 1, sizeof *rules->devices);
    }
    if (!rules || !rules->devices) {
        free(rules);
        return err_set(err, ERR_EXHAUSTED, "no memory for the capacity of this host");
    }
    rules->mode = mode;
    rules->types = types;
    rules->cpus_milli = (uint64_t)host->cpus * 1000;
    rules->memory_bytes = host->memory_bytes;
    for (size_t i = 0; i < host->device_count && i < HOST_DEVICES_MAX; i++) {
        struct device *device = &rules->devices[rules->device_count++];

        memcpy(device->id, host->devices[i].id, sizeof device->id);
        device->class_index = find_class(rules, types_of(types, host->devices[i].model), host->devices[i].is_partition);
        rules->classes[device->class_index].count++;
    }
    *ret_rules = rules;
    return 0;
}

void capacity_rules_destroy(struct capacity_rules *rules)
{
    if (rules) {
        free(rules->devices);
        free(rules);
    }
}

enum capacity_mode capacity_rules_mode(const struct capacity_rules *rules)
{
    return rules->mode;
}

struct resources capacity_rules_total(const struct capacity_rules *rules)
{
    struct resources total = {
        .replicas = UINT32_MAX, .cpus_milli = rules->cpus_milli, .memory_bytes = rules->memory_bytes};

    for (unsigned i = 0; i < rules->class_count; i++) {
        total.devices[i] = rules->classes[i].count;
    }
    return total;
}

size_t capacity_rules_device_count(const struct capacity_rules *rules)
{
    return rules->device_count;
}

const char *capacity_rules_device(const struct capacity_rules *rules, size_t index, unsigned *ret_class)
{
    *ret_class = rules->devices[index].class_index;
    return rules->devices[index].id;
}

/* ---- what a job asks ---- */

/* What a pool asks in the words of the API. */
struct wish {
    uint64_t devices;
    int32_t accelerator_type;
    bool wants_partition;
};

struct asking {
    const struct capacity_rules *rules;
    struct job_ask *ask;
    struct wish wishes[RESOURCE_POOLS_MAX];
    capacity_note_fn note;
    void *context;
};

static void tell(const struct asking *asking, size_t pool, const char *field, const char *format, ...)
    PRINTF_LIKE(4, 5);
static void tell(const struct asking *asking, size_t pool, const char *field, const char *format, ...)
{
    char sentence[512];
    va_list arguments;

    if (asking->note) {
        va_start(arguments, format);
        vsnprintf(sentence, sizeof sentence, format, arguments);
        va_end(arguments);
        asking->note(asking->context, pool, field, sentence);
    }
}

static bool is_strict(const struct asking *asking)
{
    return asking->rules->mode == CAPACITY_STRICT;
}

static void ask_machine(struct asking *asking, size_t index, const API(MachineSpec) * machine)
{
    struct pool_ask *pool = &asking->ask->pools[index];
    struct wish *wish = &asking->wishes[index];
    struct span name = api_span(API(MachineSpec_machine_type)(machine));
    const struct machine_type *type = machine_types_find(asking->rules->types, name);
    int32_t count = API(MachineSpec_accelerator_count)(machine);

    if (type) {
        pool->cpus_milli = type->cpus * 1000;
        pool->memory_bytes = type->memory_mib * MIB;
        wish->accelerator_type = type->accelerator_type;
        wish->devices = type->accelerator_count;
    } else if (name.size > 0) {
        tell(asking, index, "machine_type",
             is_strict(asking)
                 ? "The machine type \"%.*s\" is not known here; --machine-types names a file that can tell of it."
                 : "The machine type \"%.*s\" is not known here, so that it counts for no processors and no memory.",
             SPAN_FORMAT(name));
    }
    if (count > 0) {
        wish->accelerator_type = API(MachineSpec_accelerator_type)(machine);
        wish->devices = (uint64_t)count;
    }
    wish->wants_partition = API(MachineSpec_gpu_partition_size)(machine).size > 0;
}

/* The classes that are of this type, and how many devices they have. */
static unsigned find_classes(const struct capacity_rules *rules, const struct wish *wish, uint64_t *ret_count)
{
    unsigned classes = 0;

    *ret_count = 0;
    for (unsigned i = 0; i < rules->class_count; i++) {
        if (wish->accelerator_type > 0 && wish->accelerator_type < ACCELERATOR_TYPES_MAX &&
            rules->classes[i].types & (1u << wish->accelerator_type) &&
            rules->classes[i].is_partition == wish->wants_partition) {
            classes |= 1u << i;
            *ret_count += rules->classes[i].count;
        }
    }
    return classes;
}

static unsigned any_class(const struct capacity_rules *rules, uint64_t *ret_count)
{
    *ret_count = rules->device_count;
    return (1u << rules->class_count) - 1;
}

/* Of all pools that ask for the same devices: how many there are for each replica. */
static uint64_t device_share(const struct asking *asking, unsigned classes, uint64_t count)
{
    uint64_t replicas = 0;

    for (uint32_t i = 0; i < asking->ask->pool_count; i++) {
        const struct pool_ask *pool = &asking->ask->pools[i];

        replicas += pool->classes == classes && asking->wishes[i].devices > 0 ? pool->replicas : 0;
    }
    return replicas == 0 || count / replicas > 0 ? count / (replicas ? replicas : 1) : 1;
}

/* So many that all of the pool's replicas find as many in what is left, which they then have. */
static uint16_t place_pool(struct resources *left, const struct pool_ask *pool, uint64_t most)
{
    struct pool_ask one = {.replicas = pool->replicas, .classes = pool->classes};
    struct job_ask ask = {1, &one};
    struct resources need;

    for (uint64_t devices = most; devices > 0; devices--) {
        one.devices = (uint16_t)devices;
        if (resources_place(left, &ask, &need)) {
            need.replicas = 0;
            resources_subtract(left, &need);
            return (uint16_t)devices;
        }
    }
    return 0;
}

/* Capped to an even share; where there are fewer than replicas, the pools that come first have one each. */
static void cap_devices(struct asking *asking)
{
    const struct capacity_rules *rules = asking->rules;
    struct resources left = capacity_rules_total(rules);

    for (uint32_t i = 0; i < asking->ask->pool_count; i++) {
        struct pool_ask *pool = &asking->ask->pools[i];
        const struct wish *wish = &asking->wishes[i];
        uint64_t most = wish->devices;
        uint64_t count = 0;

        if (wish->devices == 0) {
            continue;
        }
        for (unsigned c = 0; c < rules->class_count; c++) {
            count += pool->classes & (1u << c) ? rules->classes[c].count : 0;
        }
        count = device_share(asking, pool->classes, count);
        pool->devices = place_pool(&left, pool, most < count ? most : count);
        if (pool->devices < wish->devices) {
            tell(asking, i, "accelerator_count",
                 "%" PRIu64 " of %s are asked for each replica; this host has %zu devices, and each replica gets %u.",
                 wish->devices, accelerator_type_name(wish->accelerator_type), rules->device_count, pool->devices);
        }
    }
}

static void choose_devices(struct asking *asking, uint32_t index)
{
    struct pool_ask *pool = &asking->ask->pools[index];
    const struct wish *wish = &asking->wishes[index];
    uint64_t count;

    if (wish->devices == 0) {
        return;
    }
    pool->classes = (uint16_t)find_classes(asking->rules, wish, &count);
    if (!is_strict(asking)) {
        pool->classes = count > 0 ? pool->classes : (uint16_t)any_class(asking->rules, &count);
        return;
    }
    pool->devices = wish->devices > UINT16_MAX ? UINT16_MAX : (uint16_t)wish->devices;
    if (accelerator_type_is_tpu(wish->accelerator_type)) {
        tell(asking, index, "accelerator_type", "There are no TPUs here, so that %s can never be had.",
             accelerator_type_name(wish->accelerator_type));
    } else if (wish->devices * pool->replicas > count) {
        tell(asking, index, count == 0 ? "accelerator_type" : "accelerator_count",
             "The pool asks for %" PRIu64 " %s%s in all and could never start: this host has %" PRIu64 ".",
             wish->devices * pool->replicas, accelerator_type_name(wish->accelerator_type),
             wish->wants_partition ? " partitions" : "", count);
    }
}

/* Pools that find their devices each by itself must find them together. */
static void check_devices(struct asking *asking)
{
    struct resources all = capacity_rules_total(asking->rules);
    struct pool_ask pools[RESOURCE_POOLS_MAX];
    struct job_ask together = {asking->ask->pool_count, pools};
    struct resources need;

    for (uint32_t i = 0; i < together.pool_count; i++) {
        struct job_ask alone = {1, &pools[i]};

        pools[i] = asking->ask->pools[i];
        pools[i].cpus_milli = 0;
        pools[i].memory_bytes = 0;
        if (!resources_place(&all, &alone, &need)) {
            return; /* told already */
        }
    }
    if (!resources_place(&all, &together, &need)) {
        tell(asking, 0, "",
             "The pools together ask for more accelerators than this host has, and the job could never start.");
    }
}

/* As large a part of the limit as the value is of the total. */
static uint64_t share(uint64_t value, uint64_t total, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)value * limit / total);
}

static void sum(const struct job_ask *ask, unsigned __int128 *ret_cpus, unsigned __int128 *ret_memory)
{
    *ret_cpus = 0;
    *ret_memory = 0;
    for (uint32_t i = 0; i < ask->pool_count; i++) {
        *ret_cpus += (unsigned __int128)ask->pools[i].replicas * ask->pools[i].cpus_milli;
        *ret_memory += (unsigned __int128)ask->pools[i].replicas * ask->pools[i].memory_bytes;
    }
}

static void fit_amounts(struct asking *asking)
{
    const struct capacity_rules *rules = asking->rules;
    struct job_ask *ask = asking->ask;
    unsigned __int128 cpus;
    unsigned __int128 memory;

    sum(ask, &cpus, &memory);
    if (cpus > rules->cpus_milli) {
        tell(asking, 0, "",
             is_strict(asking) ? "The job asks for %" PRIu64 " processors in all and could never start: this host has "
                                 "%" PRIu64 " for replicas."
                               : "The job asks for %" PRIu64 " processors in all, capped to the %" PRIu64
                                 " that this host has for replicas.",
             (uint64_t)(cpus / 1000), rules->cpus_milli / 1000);
    }
    if (memory > rules->memory_bytes) {
        tell(asking, 0, "",
             is_strict(asking) ? "The job asks for %" PRIu64 " MiB of memory in all and could never start: this host "
                                 "has %" PRIu64 " MiB for replicas."
                               : "The job asks for %" PRIu64 " MiB of memory in all, capped to the %" PRIu64
                                 " MiB that this host has for replicas.",
             (uint64_t)(memory / MIB), rules->memory_bytes / MIB);
    }
    for (uint32_t i = 0; i < ask->pool_count && !is_strict(asking); i++) {
        struct pool_ask *pool = &ask->pools[i];

        if (cpus > rules->cpus_milli) {
            pool->cpus_milli = share(pool->cpus_milli, (uint64_t)cpus, rules->cpus_milli);
        }
        if (memory > rules->memory_bytes) {
            pool->memory_bytes = share(pool->memory_bytes, (uint64_t)memory, rules->memory_bytes);
        }
    }
}

static void ask_pools(struct asking *asking, const API(CustomJob) * job)
{
    size_t count;
    const API(WorkerPoolSpec) *const *pools =
        API(CustomJobSpec_worker_pool_specs)(API(CustomJob_job_spec)(job), &count);

    for (uint32_t i = 0; i < asking->ask->pool_count && i < count; i++) {
        if (asking->ask->pools[i].replicas > 0 && API(WorkerPoolSpec_machine_spec)(pools[i])) {
            ask_machine(asking, i, API(WorkerPoolSpec_machine_spec)(pools[i]));
        }
    }
    for (uint32_t i = 0; i < asking->ask->pool_count; i++) {
        choose_devices(asking, i);
    }
    if (is_strict(asking)) {
        check_devices(asking);
    } else {
        cap_devices(asking);
    }
    fit_amounts(asking);
}

void capacity_rules_ask(const struct capacity_rules *rules, const API(CustomJob) * job, const struct job_shape *shape,
                        struct job_ask *ret_ask, capacity_note_fn note, void *context)
{
    struct asking asking = {.rules = rules, .ask = ret_ask, .note = note, .context = context};

    for (uint32_t i = 0; i < shape->pool_count; i++) {
        ret_ask->pools[i] = (struct pool_ask){.replicas = shape->pool_replicas[i]};
    }
    ret_ask->pool_count = shape->pool_count;
    if (rules) {
        ask_pools(&asking, job);
    }
}
