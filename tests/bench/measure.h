/* measure: what the measuring programs share: a clock, samples of latency, the device's counters, memory.
 *
 * Used by   the programs of tests/bench.
 * Shape     results are printed as "key=value" pairs on one line, for tests/bench/run to read.
 * Thread    one, but for now_ns.      Errors    measure_fail ends the program: there is nobody to go on for.
 */
#ifndef TESTS_BENCH_MEASURE_H_
#define TESTS_BENCH_MEASURE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t now_ns(void);
/* CPU time of the calling thread. */
int64_t thread_cpu_ns(void);

/* Prints "measure: " and the sentence; exit code 1. */
void measure_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Latencies in ns; the first samples_max of them count. Zero it to begin with. */
struct samples {
    uint32_t *ns;
    size_t count;
    size_t capacity;
};

void samples_add(struct samples *samples, int64_t ns);
/* Adds all of the other's. */
void samples_merge(struct samples *samples, const struct samples *other);
/* Prints "<name>_p50_us=… <name>_p99_us=… <name>_max_us=… "; with name "" the keys are p50_us and so on. */
void samples_print(struct samples *samples, const char *name);
void samples_deinit(struct samples *samples);

/* What the block device under a directory has been asked to do. Known only where the file system has one. */
struct device {
    char path[64]; /* of its counters; empty: none */
    uint64_t bytes;
    uint64_t flushes;
    uint64_t own_bytes; /* that this process has asked to be written; without the file system's journal */
};

void device_open(struct device *device, const char *dir);
/* Prints "own_bytes=… device_bytes=… flushes=… " since device_open, the last two only when there is a device. */
void device_print(const struct device *device);

/* Resident memory of this process, in bytes. */
uint64_t resident_bytes(void);

#endif /* TESTS_BENCH_MEASURE_H_ */
