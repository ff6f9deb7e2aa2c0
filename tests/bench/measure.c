#include "measure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX (1u << 24)
#define SECTOR_BYTES 512u

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void measure_fail(const char *format, ...)
{
    va_list arguments;

    fputs("measure: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void samples_add(struct samples *samples, int64_t ns)
{
    if (samples->count == SAMPLES_MAX) {
        return;
    }
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity > 0 ? 2 * samples->capacity : 65536;
        samples->ns = realloc(samples->ns, samples->capacity * sizeof samples->ns[0]);
        if (!samples->ns) {
            measure_fail("no memory for %zu samples", samples->capacity);
        }
    }
    samples->ns[samples->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

void samples_merge(struct samples *samples, const struct samples *other)
{
    for (size_t i = 0; i < other->count; i++) {
        samples_add(samples, other->ns[i]);
    }
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

void samples_print(struct samples *samples, const char *name)
{
    const char *joint = name[0] != '\0' ? "_" : "";
    size_t count = samples->count;

    if (count == 0) {
        return;
    }
    qsort(samples->ns, count, sizeof samples->ns[0], compare);
    printf("%s%sp50_us=%.1f %s%sp99_us=%.1f %s%smax_us=%.1f ", name, joint, samples->ns[count / 2] / 1e3, name, joint,
           samples->ns[count * 99 / 100] / 1e3, name, joint, samples->ns[count - 1] / 1e3);
}

void samples_deinit(struct samples *samples)
{
    free(samples->ns);
    memset(samples, 0, sizeof *samples);
}

/* The fields of <linux>/Documentation/block/stat.rst: 7th: sectors written, 16th: flushes. */
static bool read_device(const char *path, uint64_t *ret_bytes, uint64_t *ret_flushes)
{
    uint64_t fields[17] = {0};
    FILE *file = fopen(path, "r");
    size_t count = 0;

    if (!file) {
        return false;
    }
    while (count < 17 && fscanf(file, "%" SCNu64, &fields[count]) == 1) {
        count++;
    }
    fclose(file);
    *ret_bytes = fields[6] * SECTOR_BYTES;
    *ret_flushes = fields[15];
    return count >= 7 && fields[6] > 0;
}

static uint64_t own_bytes(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    uint64_t bytes = 0;
    char line[128];

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "write_bytes: %" SCNu64, &bytes) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return bytes;
}

void device_open(struct device *device, const char *dir)
{
    struct stat status;

    memset(device, 0, sizeof *device);
    if (stat(dir, &status) != 0) {
        measure_fail("cannot look at %s", dir);
    }
    snprintf(device->path, sizeof device->path, "/sys/dev/block/%u:%u/stat", major(status.st_dev),
             minor(status.st_dev));
    if (!read_device(device->path, &device->bytes, &device->flushes)) {
        device->path[0] = '\0';
    }
    device->own_bytes = own_bytes();
}

void device_print(const struct device *device)
{
    uint64_t bytes;
    uint64_t flushes;

    printf("own_bytes=%" PRIu64 " ", own_bytes() - device->own_bytes);
    if (device->path[0] != '\0' && read_device(device->path, &bytes, &flushes)) {
        printf("device_bytes=%" PRIu64 " flushes=%" PRIu64 " ", bytes - device->bytes, flushes - device->flushes);
    }
}

uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    uint64_t pages = 0;

    if (!file || fscanf(file, "%*s %" SCNu64, &pages) != 1) {
        measure_fail("cannot read /proc/self/statm");
    }
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
