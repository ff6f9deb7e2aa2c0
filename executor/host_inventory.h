/* host_inventory: what this host has for replicas: processors, memory, NVIDIA GPUs and their MIG partitions.
 *
 * Used by   server/main_serve.c, which gives it to the controller.
 * Shape     read from /proc, /sys and /dev alone, without a library of the driver's. What a cgroup or an affinity keeps
 *           from this process does not count: a container sees all of /proc, and has its own part of it.
 * Devices   as CUDA_VISIBLE_DEVICES takes them: "GPU-<uuid>", "MIG-GPU-<uuid>/<gpu instance>/<compute instance>". A GPU
 *           that is partitioned is its partitions. A GPU without its /dev/nvidia<minor> is none of this process's.
 * Order     by minor number, then by instance, so that the same host always gives the same list.
 * Owns      devices, until host_inventory_deinit.
 * Thread    any.      Blocks    on reads of /proc, for microseconds.
 * Bound     HOST_DEVICES_MAX.
 * Errors    ERR_IO when processors or memory cannot be told. A GPU that cannot be read is left out.
 * Source    docs/execution.md; the driver's README, "The /proc File System" and "MIG".
 */
#ifndef EXECUTOR_HOST_INVENTORY_H_
#define EXECUTOR_HOST_INVENTORY_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

#define HOST_DEVICES_MAX 256

struct host_device {
    char id[96];
    char model[64]; /* as the driver calls it; of a partition that of its GPU */
    bool is_partition;
};

struct host_inventory {
    uint32_t cpus;
    uint64_t memory_bytes;
    struct host_device *devices;
    size_t device_count;
};

/* root: "" for this host; else where a tree of its files stands. */
MUST_USE int host_inventory_read(const char *root, struct host_inventory *ret_inventory, struct err *err);
/* Takes off what the host keeps for itself: one processor where there are two or more, and a twentieth of the memory. */
void host_inventory_reserve(struct host_inventory *inventory);
void host_inventory_deinit(struct host_inventory *inventory);

C_DECLS_END

#endif /* EXECUTOR_HOST_INVENTORY_H_ */
