/* storage_store: the store by itself, in one process: durable creates, recovery, snapshots, memory.
 *
 * usage: storage_store create   DIR IN_FLIGHT SECONDS LIVE_ROWS   LIVE_ROWS 0: each row is new, snapshots are off;
 *                                                                 else rows of so many are replaced, snapshots are on
 *        storage_store recycled DIR IN_FLIGHT SECONDS             new rows into segments that have had a life before
 *        storage_store sealed   DIR IN_FLIGHT SECONDS none|store|job   new rows, sealed with nothing, with the store's key, with
 *                                                                 a key that each names itself
 *        storage_store fill     DIR ROWS log|snapshot             rows in the log alone, or in a snapshot
 *        storage_store recover  DIR                               opens, tells time and memory
 *        storage_store snapshot DIR IN_FLIGHT SECONDS             of a directory filled with a log: creates for so long
 *                                                                 without a snapshot, then beside one until it is done
 *        storage_store memory   DIR ROWS                          what so many rows cost beyond their bytes
 *        storage_store cycles   DIR LIVE_ROWS COUNT               so many times the oldest row is deleted and a new one
 *                                                                 made, with snapshots; memory after a tenth, and at the end
 *        storage_store probe    DIR COUNT                         write + fdatasync of 1 KiB, nothing else
 * Shape     the owner of the store keeps IN_FLIGHT creates in flight: it stages what has arrived, commits, and answers
 *           them all, whereupon as many arrive anew. The keys are found by the extractor that the server gives.
 * Prints    one line of "key=value".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "bench_job.h"
#include "job/job_keys.h"
#include "measure.h"
#include "seal/key_file.h"
#include "seal/keyring.h"
#include "storage/store.h"

#define FILL_BATCH 512
#define NS_PER_S INT64_C(1000000000)
#define WARM_UP_NS (NS_PER_S / 5)
/* Above it no snapshot is due. */
#define NEVER_BYTES (UINT64_C(1) << 60)
/* A step of the owner's, store_commit and store_tend together, as its own CPU time. */
#define STEP_LIMIT_NS 1000000
/* A snapshot that takes longer is not waited for. */
#define SNAPSHOT_NS_MAX (60 * NS_PER_S)
#define KEY_NAME "projects/p/locations/l/keyRings/r/cryptoKeys/k"

struct bench {
    struct store *store;
    struct keyring *keys;
    struct bench_job job;
    /* The job's bytes, and behind them the key that it names. */
    char value[BENCH_JOB_BYTES + sizeof KEY_NAME + 8];
    size_t tail_size;
    uint64_t number;
    uint64_t *ids; /* of the rows that are replaced, in turn */
    uint64_t id_count;
};

/* What a run of creates has shown. */
struct run {
    struct samples latency;
    struct samples step_cpu;
    uint64_t steps_over;
    uint64_t rows;
    int64_t took_ns;
};

static void check(int result, const struct err *err)
{
    if (result != 0) {
        measure_fail("%s", err->text);
    }
}

static struct store_recovery open_sealed(struct bench *bench, const char *dir, uint64_t snapshot_log_bytes_min,
                                         struct keyring *keys, const char *store_key)
{
    struct store_options options = {.dir = dir,
                                    .fs = fs_system(),
                                    .clock = clock_system(),
                                    .extract = job_keys_extract,
                                    .keys = keys,
                                    .store_key = store_key,
                                    .snapshot_log_bytes_min = snapshot_log_bytes_min};
    struct store_recovery report;
    struct err err = ERR_INIT;

    memset(bench, 0, sizeof *bench);
    bench_job_init(&bench->job);
    check(store_open(&options, &bench->store, &report, &err), &err);
    store_bind_owner(bench->store);
    bench->keys = keys;
    return report;
}

static struct store_recovery open_bench(struct bench *bench, const char *dir, uint64_t snapshot_log_bytes_min)
{
    return open_sealed(bench, dir, snapshot_log_bytes_min, NULL, NULL);
}

/* encryption_spec {kms_key_name} of every job from now on. */
static void name_key(struct bench *bench)
{
    const size_t name_size = sizeof KEY_NAME - 1;
    const char head[] = {12 << 3 | 2, (char)(name_size + 2), 1 << 3 | 2, (char)name_size};

    memcpy(bench->value + BENCH_JOB_BYTES, head, sizeof head);
    memcpy(bench->value + BENCH_JOB_BYTES + sizeof head, KEY_NAME, name_size);
    bench->tail_size = sizeof head + name_size;
}

static uint64_t put(struct bench *bench, uint64_t id)
{
    struct err err = ERR_INIT;

    bench_job_set(&bench->job, id, bench->number++);
    memcpy(bench->value, bench->job.bytes, BENCH_JOB_BYTES);
    check(
        store_put(bench->store, STORE_TABLE_JOB, id, span_make(bench->value, BENCH_JOB_BYTES + bench->tail_size), &err),
        &err);
    return id;
}

static uint64_t put_new(struct bench *bench)
{
    return put(bench, store_next_id(bench->store, STORE_TABLE_JOB));
}

static uint64_t put_one(struct bench *bench)
{
    return bench->ids ? put(bench, bench->ids[bench->number * UINT64_C(2654435761) % bench->id_count]) : put_new(bench);
}

static void commit(struct bench *bench)
{
    struct err err = ERR_INIT;
    int64_t wait_ns;

    check(store_commit(bench->store, &err), &err);
    check(store_tend(bench->store, &wait_ns, &err), &err);
}

static void fill(struct bench *bench, uint64_t rows, uint64_t *ret_ids)
{
    for (uint64_t i = 0; i < rows; i++) {
        uint64_t id = put_one(bench);

        if (ret_ids) {
            ret_ids[i] = id;
        }
        if (i % FILL_BATCH == FILL_BATCH - 1) {
            commit(bench);
        }
    }
    commit(bench);
}

/* Ends when so much time has passed, or so many rows are written, if that is not 0. */
static void drive(struct bench *bench, uint32_t in_flight, int64_t duration_ns, uint64_t rows_max, struct run *run)
{
    int64_t begin = now_ns();
    int64_t now = begin;

    while (now - begin < duration_ns && (rows_max == 0 || run->rows < rows_max)) {
        int64_t arrived = now;
        struct err err = ERR_INIT;
        int64_t wait_ns;
        int64_t cpu;

        for (uint32_t i = 0; i < in_flight; i++) {
            put_one(bench);
        }
        cpu = thread_cpu_ns();
        check(store_commit(bench->store, &err), &err);
        now = now_ns();
        check(store_tend(bench->store, &wait_ns, &err), &err);
        cpu = thread_cpu_ns() - cpu;
        samples_add(&run->step_cpu, cpu);
        run->steps_over += cpu > STEP_LIMIT_NS ? 1 : 0;
        for (uint32_t i = 0; i < in_flight; i++) {
            samples_add(&run->latency, now - arrived);
        }
        run->rows += in_flight;
    }
    run->took_ns += now_ns() - begin;
}

static void run_print(struct run *run)
{
    samples_print(&run->latency, "");
    samples_print(&run->step_cpu, "step_cpu");
    printf("steps_over_1ms=%" PRIu64 " rows=%" PRIu64 " seconds=%.3f rate=%.1f ", run->steps_over, run->rows,
           (double)run->took_ns / 1e9, (double)run->rows * 1e9 / (double)run->took_ns);
    samples_deinit(&run->latency);
    samples_deinit(&run->step_cpu);
}

/* ---- verbs ---- */

static void measure_create(struct bench *bench, const char *dir, uint32_t in_flight, int64_t duration_ns,
                           uint64_t rows_max)
{
    struct run warm_up = {0};
    struct run run = {0};
    struct device device;

    drive(bench, in_flight, WARM_UP_NS, rows_max / 4, &warm_up);
    device_open(&device, dir);
    drive(bench, in_flight, duration_ns, rows_max > 0 ? rows_max - warm_up.rows : 0, &run);
    device_print(&device);
    printf("payload_bytes=%" PRIu64 " ", run.rows * BENCH_JOB_BYTES);
    run_print(&run);
}

static void verb_create(const char *dir, char **arguments)
{
    uint64_t live = strtoull(arguments[2], NULL, 10);
    struct bench bench;

    open_bench(&bench, dir, live > 0 ? 0 : NEVER_BYTES);
    if (live > 0) {
        uint64_t *ids = calloc(live, sizeof *ids);
        struct err err = ERR_INIT;

        fill(&bench, live, ids);
        check(store_snapshot(bench.store, &err), &err);
        bench.ids = ids;
        bench.id_count = live;
    }
    measure_create(&bench, dir, (uint32_t)strtoul(arguments[0], NULL, 10), (int64_t)(strtod(arguments[1], NULL) * 1e9),
                   0);
    store_close(bench.store);
    free(bench.ids);
}

/* Segments that a snapshot has freed are there, and what is measured fits into them. */
static void verb_recycled(const char *dir, char **arguments)
{
    const uint64_t rows = 400000;
    struct err err = ERR_INIT;
    struct bench bench;

    open_bench(&bench, dir, NEVER_BYTES);
    fill(&bench, rows, NULL);
    check(store_snapshot(bench.store, &err), &err);
    measure_create(&bench, dir, (uint32_t)strtoul(arguments[0], NULL, 10), (int64_t)(strtod(arguments[1], NULL) * 1e9),
                   rows / 2);
    store_close(bench.store);
}

static struct keyring *make_keys(const char *dir)
{
    struct key_source *source;
    struct keyring *keys;
    struct err err = ERR_INIT;
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s.keys", dir);
    file = fopen(path, "we");
    if (!file || fchmod(fileno(file), 0600) != 0 ||
        fprintf(file, "%s 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= primary\n", KEY_NAME) < 0 ||
        fclose(file) != 0) {
        measure_fail("cannot write %s: %s", path, strerror(errno));
    }
    check(key_file_open(path, &source, &err), &err);
    check(keyring_create(source, &keys, &err), &err);
    unlink(path);
    return keys;
}

static void verb_sealed(const char *dir, char **arguments)
{
    struct keyring *keys = make_keys(dir);
    struct bench bench;
    int64_t cpu;
    struct run warm_up = {0};
    struct run run = {0};
    uint32_t in_flight = (uint32_t)strtoul(arguments[0], NULL, 10);

    open_sealed(&bench, dir, NEVER_BYTES, keys, strcmp(arguments[2], "store") == 0 ? KEY_NAME : NULL);
    if (strcmp(arguments[2], "job") == 0) {
        name_key(&bench);
    }
    drive(&bench, in_flight, WARM_UP_NS, 0, &warm_up);
    cpu = thread_cpu_ns();
    drive(&bench, in_flight, (int64_t)(strtod(arguments[1], NULL) * 1e9), 0, &run);
    printf("cpu_us_per_row=%.3f ", (double)(thread_cpu_ns() - cpu) / 1e3 / (double)run.rows);
    run_print(&run);
    store_close(bench.store);
    keyring_destroy(keys);
}

static void verb_fill(const char *dir, char **arguments)
{
    uint64_t rows = strtoull(arguments[0], NULL, 10);
    struct err err = ERR_INIT;
    struct bench bench;

    open_bench(&bench, dir, NEVER_BYTES);
    fill(&bench, rows, NULL);
    if (strcmp(arguments[1], "snapshot") == 0) {
        check(store_snapshot(bench.store, &err), &err);
    }
    printf("rows=%" PRIu64 " ", rows);
    store_close(bench.store);
}

static void verb_recover(const char *dir, char **arguments)
{
    uint64_t before = resident_bytes();
    struct store_recovery report;
    struct bench bench;
    uint64_t rows;

    (void)arguments;
    report = open_bench(&bench, dir, NEVER_BYTES);
    rows = report.entries[STORE_TABLE_JOB];
    printf("seconds=%.3f rows=%" PRIu64 " replayed=%" PRIu64 " resident_bytes=%" PRIu64 " ",
           (double)report.duration_ns / 1e9, rows, report.records_replayed, resident_bytes() - before);
    fflush(stdout);
    /* As it would end in a crash: the next opening finds the same. */
    _exit(0);
}

/* The inode of MANIFEST, which is another one when a snapshot has been taken over. */
static ino_t manifest_inode(const char *dir)
{
    char path[4096];
    struct stat status;

    snprintf(path, sizeof path, "%s/MANIFEST", dir);
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

static uint64_t snapshot_file_bytes(const char *dir)
{
    DIR *directory = opendir(dir);
    uint64_t bytes = 0;
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        const char *dot = strrchr(entry->d_name, '.');
        struct stat status;

        if (dot && strcmp(dot, ".snapshot") == 0 && fstatat(dirfd(directory), entry->d_name, &status, 0) == 0) {
            bytes += (uint64_t)status.st_size;
        }
    }
    if (directory) {
        closedir(directory);
    }
    return bytes;
}

/* The log that was filled is larger than the live data: with any log being enough, the first tend begins a snapshot. */
static void verb_snapshot(const char *dir, char **arguments)
{
    uint32_t in_flight = (uint32_t)strtoul(arguments[0], NULL, 10);
    int64_t duration_ns = (int64_t)(strtod(arguments[1], NULL) * 1e9);
    struct run without = {0};
    struct run beside = {0};
    struct run warm_up = {0};
    struct bench bench;
    ino_t manifest;

    open_bench(&bench, dir, NEVER_BYTES);
    drive(&bench, in_flight, WARM_UP_NS, 0, &warm_up);
    drive(&bench, in_flight, duration_ns, 0, &without);
    store_close(bench.store);
    manifest = manifest_inode(dir);
    open_bench(&bench, dir, 1);
    while (manifest_inode(dir) == manifest && beside.took_ns < SNAPSHOT_NS_MAX) {
        drive(&bench, in_flight, INT64_MAX, beside.rows + in_flight, &beside);
    }
    samples_print(&without.latency, "without");
    printf("without_rate=%.1f snapshot_seconds=%.3f snapshot_bytes=%" PRIu64 " ",
           (double)without.rows * 1e9 / (double)without.took_ns, (double)beside.took_ns / 1e9,
           snapshot_file_bytes(dir));
    run_print(&beside);
    store_close(bench.store);
}

/* What the allocator has given out, in all. */
static uint64_t allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void verb_memory(const char *dir, char **arguments)
{
    uint64_t rows = strtoull(arguments[0], NULL, 10);
    uint64_t resident;
    uint64_t allocated;
    struct store_memory memory;
    struct bench bench;

    open_bench(&bench, dir, NEVER_BYTES);
    resident = resident_bytes();
    allocated = allocated_bytes();
    fill(&bench, rows, NULL);
    store_memory(bench.store, STORE_TABLE_JOB, &memory);
    printf("rows=%" PRIu64 " resident_per_row=%.1f allocated_per_row=%.1f row_bytes=%d ", rows,
           (double)(resident_bytes() - resident) / (double)rows - BENCH_JOB_BYTES,
           (double)(allocated_bytes() - allocated) / (double)rows - BENCH_JOB_BYTES, BENCH_JOB_BYTES);
    printf("headers=%.1f ids=%.1f order=%.1f keys=%.1f texts=%.1f states_times=%.1f ",
           (double)memory.headers / (double)rows, (double)memory.ids / (double)rows,
           (double)memory.order / (double)rows, (double)memory.keys / (double)rows, (double)memory.texts / (double)rows,
           (double)memory.states_times / (double)rows);
    store_close(bench.store);
}

static void cycle(struct bench *bench, uint64_t count)
{
    struct err err = ERR_INIT;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t *oldest = &bench->ids[bench->number % bench->id_count];

        check(store_delete(bench->store, STORE_TABLE_JOB, *oldest, &err), &err);
        *oldest = put_new(bench);
        if (i % FILL_BATCH == FILL_BATCH - 1) {
            commit(bench);
        }
    }
    commit(bench);
}

static void verb_cycles(const char *dir, char **arguments)
{
    uint64_t live = strtoull(arguments[0], NULL, 10);
    uint64_t count = strtoull(arguments[1], NULL, 10);
    uint64_t *ids = calloc(live, sizeof *ids);
    uint64_t resident;
    uint64_t allocated;
    int64_t begin;
    struct bench bench;

    open_bench(&bench, dir, 0);
    fill(&bench, live, ids);
    bench.ids = ids;
    bench.id_count = live;
    begin = now_ns();
    cycle(&bench, count / 10);
    resident = resident_bytes();
    allocated = allocated_bytes();
    cycle(&bench, count - count / 10);
    printf("cycles=%" PRIu64 " live=%" PRIu64 " seconds=%.2f resident_before=%" PRIu64 " resident_after=%" PRIu64
           " allocated_before=%" PRIu64 " allocated_after=%" PRIu64 " ",
           count, live, (double)(now_ns() - begin) / 1e9, resident, resident_bytes(), allocated, allocated_bytes());
    store_close(bench.store);
    free(ids);
}

static void verb_probe(const char *dir, char **arguments)
{
    unsigned long count = strtoul(arguments[0], NULL, 10);
    char path[4096];
    char *block = calloc(1, 4096);
    struct samples samples = {0};
    int file;

    snprintf(path, sizeof path, "%s/probe", dir);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || !block) {
        measure_fail("cannot write %s: %s", path, strerror(errno));
    }
    for (unsigned long i = 0; i < count; i++) {
        if (pwrite(file, block, 4096, (off_t)(i * 4096)) != 4096) {
            measure_fail("cannot write %s: %s", path, strerror(errno));
        }
    }
    fsync(file);
    for (unsigned long i = 0; i < count; i++) {
        int64_t begin = now_ns();

        if (pwrite(file, block, BENCH_JOB_BYTES, (off_t)(i * 4096)) != BENCH_JOB_BYTES || fdatasync(file) != 0) {
            measure_fail("cannot write %s: %s", path, strerror(errno));
        }
        samples_add(&samples, now_ns() - begin);
    }
    samples_print(&samples, "");
    close(file);
    unlink(path);
    free(block);
}

struct verb {
    const char *name;
    int arguments;
    void (*run)(const char *dir, char **arguments);
};

int main(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"create", 3, verb_create}, {"recycled", 2, verb_recycled}, {"sealed", 3, verb_sealed},
        {"fill", 2, verb_fill},     {"recover", 0, verb_recover},   {"snapshot", 2, verb_snapshot},
        {"memory", 1, verb_memory}, {"cycles", 2, verb_cycles},     {"probe", 1, verb_probe}};

    mallopt(M_MMAP_THRESHOLD, 128 * 1024); /* as the server does */
    for (size_t i = 0; argc >= 3 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0 && argc == 3 + verbs[i].arguments) {
            verbs[i].run(argv[2], argv + 3);
            putchar('\n');
            return 0;
        }
    }
    fprintf(stderr,
            "usage: storage_store create|recycled|sealed|fill|recover|snapshot|memory|cycles|probe DIR ARGUMENT...\n");
    return 2;
}
