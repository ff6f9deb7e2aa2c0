#include "executor/host_inventory.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (16 * 1024)
#define PATH_BYTES 512
#define KIB UINT64_C(1024)
/* What cgroup v1 says where there is no limit is near the largest number there is. */
#define MEMORY_LIMIT_MAX (UINT64_C(1) << 60)

/* A small file's text, cut; false: it cannot be read. */
static bool read_text(const char *root, const char *name, char text[FILE_BYTES_MAX])
{
    char path[PATH_BYTES];
    size_t size = 0;
    FILE *file = NULL;

    if ((size_t)snprintf(path, sizeof path, "%s%s", root, name) < sizeof path) {
        file = fopen(path, "re");
    }
    if (file) {
        size = fread(text, 1, FILE_BYTES_MAX - 1, file);
        fclose(file);
    }
    text[size] = '\0';
    return size > 0;
}

/* What stands behind "key:" at the beginning of a line, without blanks around it; NULL: nothing. */
static char *find_value(char *text, const char *key)
{
    size_t size = strlen(key);

    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, key, size) == 0 && line[size] == ':') {
            char *value = line + size + 1;

            value += strspn(value, " \t");
            value[strcspn(value, "\n")] = '\0';
            return value;
        }
    }
    return NULL;
}

/* ---- processors and memory ---- */

/* "0-3,8": 5; 0 when it is no such list. */
static uint32_t count_list(const char *text)
{
    uint64_t count = 0;

    for (const char *at = text; *at >= '0' && *at <= '9';) {
        char *end;
        unsigned long first = strtoul(at, &end, 10);
        unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

        if (last < first || last > UINT16_MAX) {
            return 0;
        }
        count += last - first + 1;
        at = *end == ',' ? end + 1 : end;
    }
    return count > UINT32_MAX ? 0 : (uint32_t)count;
}

/* Whole processors that a quota is worth, at least one. */
static uint32_t cut_to_quota(uint32_t cpus, long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period >= cpus) {
        return cpus;
    }
    return quota / period < 1 ? 1 : (uint32_t)(quota / period);
}

static uint32_t cut_to_cgroup(const char *root, uint32_t cpus)
{
    char text[FILE_BYTES_MAX];
    long long quota = 0;
    long long period = 0;

    if (read_text(root, "/sys/fs/cgroup/cpu.max", text)) {
        char *end;

        quota = strtoll(text, &end, 10);
        period = strtoll(end, NULL, 10);
    } else if (read_text(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text)) {
        quota = strtoll(text, NULL, 10);
        period = read_text(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", text) ? strtoll(text, NULL, 10) : 0;
    }
    return cut_to_quota(cpus, quota, period);
}

static int read_cpus(const char *root, uint32_t *ret_cpus, struct err *err)
{
    char text[FILE_BYTES_MAX];
    const char *allowed = NULL;
    uint32_t cpus = 0;

    if (read_text(root, "/proc/self/status", text)) {
        allowed = find_value(text, "Cpus_allowed_list");
    }
    cpus = allowed ? count_list(allowed) : 0;
    if (read_text(root, "/sys/devices/system/cpu/online", text)) {
        uint32_t online = count_list(text);

        cpus = cpus == 0 || (online > 0 && online < cpus) ? online : cpus;
    }
    if (cpus == 0) {
        return err_set(err, ERR_IO, "neither %s/proc/self/status nor %s/sys/devices/system/cpu/online tells processors",
                       root, root);
    }
    *ret_cpus = cut_to_cgroup(root, cpus);
    return 0;
}

static int read_memory(const char *root, uint64_t *ret_bytes, struct err *err)
{
    char text[FILE_BYTES_MAX];
    const char *total = NULL;
    uint64_t bytes;
    uint64_t limit = 0;

    if (read_text(root, "/proc/meminfo", text)) {
        total = find_value(text, "MemTotal");
    }
    bytes = total ? strtoull(total, NULL, 10) * KIB : 0;
    if (bytes == 0) {
        return err_set(err, ERR_IO, "%s/proc/meminfo has no MemTotal", root);
    }
    if (read_text(root, "/sys/fs/cgroup/memory.max", text) ||
        read_text(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", text)) {
        limit = strtoull(text, NULL, 10); /* "max": 0 */
    }
    *ret_bytes = limit > 0 && limit < MEMORY_LIMIT_MAX && limit < bytes ? limit : bytes;
    return 0;
}

/* ---- GPUs ---- */

struct gpu {
    char uuid[64];
    char model[64];
    unsigned minor;
};

struct scan {
    const char *root;
    struct gpu gpus[HOST_DEVICES_MAX];
    size_t gpu_count;
    struct host_device *devices;
    size_t device_count;
};

static bool has_device_file(const char *root, unsigned minor)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/dev/nvidia%u", root, minor);
    return access(path, F_OK) == 0;
}

/* A key's value out of the text, which stays as it was. False: there is none, or it is too long. */
static bool copy_value(const char *text, const char *key, char *target, size_t target_bytes)
{
    char copy[FILE_BYTES_MAX];
    const char *value;

    snprintf(copy, sizeof copy, "%s", text);
    value = find_value(copy, key);
    return value && value[0] && (size_t)snprintf(target, target_bytes, "%s", value) < target_bytes;
}

static void read_gpu(struct scan *scan, const char *bus_location)
{
    struct gpu *gpu = &scan->gpus[scan->gpu_count];
    char name[PATH_BYTES];
    char text[FILE_BYTES_MAX];
    char minor[16];
    char excluded[16];

    snprintf(name, sizeof name, "/proc/driver/nvidia/gpus/%.64s/information", bus_location);
    if (scan->gpu_count == HOST_DEVICES_MAX || !read_text(scan->root, name, text) ||
        !copy_value(text, "Device Minor", minor, sizeof minor) ||
        !copy_value(text, "GPU UUID", gpu->uuid, sizeof gpu->uuid)) {
        return;
    }
    if (!copy_value(text, "Model", gpu->model, sizeof gpu->model)) {
        gpu->model[0] = '\0';
    }
    gpu->minor = (unsigned)strtoul(minor, NULL, 10);
    if (strncmp(gpu->uuid, "GPU-", 4) == 0 && !strchr(gpu->uuid, '?') && has_device_file(scan->root, gpu->minor) &&
        !(copy_value(text, "GPU Excluded", excluded, sizeof excluded) && strcmp(excluded, "Yes") == 0)) {
        scan->gpu_count++;
    }
}

typedef void (*name_fn)(struct scan *scan, const char *name);

static void each_name(struct scan *scan, const char *name, name_fn visit)
{
    char path[PATH_BYTES];
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof path, "%s%s", scan->root, name);
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            visit(scan, entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static int compare_gpus(const void *left, const void *right)
{
    unsigned left_minor = ((const struct gpu *)left)->minor;
    unsigned right_minor = ((const struct gpu *)right)->minor;

    return left_minor < right_minor ? -1 : left_minor > right_minor;
}

static void add_device(struct scan *scan, const struct gpu *gpu, const char *id, bool is_partition)
{
    struct host_device *device = &scan->devices[scan->device_count];

    if (scan->device_count < HOST_DEVICES_MAX) {
        device->is_partition = is_partition;
        snprintf(device->id, sizeof device->id, "%s", id);
        snprintf(device->model, sizeof device->model, "%s", gpu->model);
        scan->device_count++;
    }
}

/* Instances are numbered from 0; there are 7 of a GPU at most, and their numbers go a little further. */
#define INSTANCES_MAX 16

static void add_partitions(struct scan *scan, const struct gpu *gpu)
{
    for (unsigned gi = 0; gi < INSTANCES_MAX; gi++) {
        for (unsigned ci = 0; ci < INSTANCES_MAX; ci++) {
            char path[PATH_BYTES];
            char id[96];

            snprintf(path, sizeof path, "%s/proc/driver/nvidia/capabilities/gpu%u/mig/gi%u/ci%u/access", scan->root,
                     gpu->minor, gi, ci);
            if (access(path, F_OK) == 0) {
                snprintf(id, sizeof id, "MIG-%s/%u/%u", gpu->uuid, gi, ci);
                add_device(scan, gpu, id, true);
            }
        }
    }
}

static int read_devices(const char *root, struct host_device **ret_devices, size_t *ret_count, struct err *err)
{
    struct scan *scan = calloc(1, sizeof *scan);
    struct host_device *devices = calloc(HOST_DEVICES_MAX, sizeof *devices);

    if (!scan || !devices) {
        free(scan);
        free(devices);
        return err_set(err, ERR_EXHAUSTED, "no memory for the devices of this host");
    }
    scan->root = root;
    scan->devices = devices;
    each_name(scan, "/proc/driver/nvidia/gpus", read_gpu);
    qsort(scan->gpus, scan->gpu_count, sizeof scan->gpus[0], compare_gpus);
    for (size_t i = 0; i < scan->gpu_count; i++) {
        size_t before = scan->device_count;

        add_partitions(scan, &scan->gpus[i]);
        if (scan->device_count == before) {
            add_device(scan, &scan->gpus[i], scan->gpus[i].uuid, false);
        }
    }
    *ret_devices = devices;
    *ret_count = scan->device_count;
    free(scan);
    return 0;
}

int host_inventory_read(const char *root, struct host_inventory *ret_inventory, struct err *err)
{
    struct host_inventory inventory = {0};

    if (read_cpus(root, &inventory.cpus, err) || read_memory(root, &inventory.memory_bytes, err) ||
        read_devices(root, &inventory.devices, &inventory.device_count, err)) {
        return -1;
    }
    *ret_inventory = inventory;
    return 0;
}

void host_inventory_reserve(struct host_inventory *inventory)
{
    inventory->cpus -= inventory->cpus >= 2 ? 1 : 0;
    inventory->memory_bytes -= inventory->memory_bytes / 20;
}

void host_inventory_deinit(struct host_inventory *inventory)
{
    free(inventory->devices);
    *inventory = (struct host_inventory){0};
}
