/* peer_rocksdb: RocksDB with synced writes, as a peer of the store.
 *
 * usage: peer_rocksdb create  DIR IN_FLIGHT SECONDS    so many threads, each one durable put at a time
 *        peer_rocksdb fill    DIR ROWS                 so many rows, all in the log, left as a crash leaves them
 *        peer_rocksdb recover DIR                      opens, reads one row
 * Prints one line of "key=value".
 */
#include <rocksdb/c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_job.h"
#include "measure.h"
#include "peer_threads.h"

#define FILL_BATCH 512
#define ID_FIRST UINT64_C(1000000000000000000)
#define CLIENTS_MAX 1024
/* So large that a million rows stay in the log and the table in memory; the log is allocated to its size at once. */
#define ALL_IN_LOG_BYTES (UINT64_C(3) << 30)

struct peer {
    rocksdb_t *database;
    rocksdb_writeoptions_t *synced;
    struct bench_job jobs[CLIENTS_MAX];
};

static struct peer peer;

static void check(char *error)
{
    if (error) {
        measure_fail("RocksDB: %s", error);
    }
}

static void open_peer(const char *dir, bool all_in_log)
{
    rocksdb_options_t *options = rocksdb_options_create();
    char *error = NULL;

    rocksdb_options_set_create_if_missing(options, 1);
    if (all_in_log) {
        rocksdb_options_set_write_buffer_size(options, ALL_IN_LOG_BYTES);
        rocksdb_options_set_max_total_wal_size(options, ALL_IN_LOG_BYTES);
    }
    peer.database = rocksdb_open(options, dir, &error);
    check(error);
    peer.synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(peer.synced, 1);
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        bench_job_init(&peer.jobs[i]);
    }
}

static size_t make_key(char *key, size_t size, uint64_t number)
{
    return (size_t)snprintf(key, size, "jobs/%019llu", (unsigned long long)(ID_FIRST + number));
}

static void put(void *context, unsigned client, uint64_t number)
{
    struct bench_job *job = &peer.jobs[client];
    char key[32];
    size_t key_bytes = make_key(key, sizeof key, number);
    char *error = NULL;

    (void)context;
    bench_job_set(job, ID_FIRST + number, number);
    rocksdb_put(peer.database, peer.synced, key, key_bytes, job->bytes, BENCH_JOB_BYTES, &error);
    check(error);
}

static void fill(uint64_t rows)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char *error = NULL;

    for (uint64_t i = 0; i < rows; i++) {
        char key[32];
        size_t key_bytes = make_key(key, sizeof key, i);

        bench_job_set(&peer.jobs[0], ID_FIRST + i, i);
        rocksdb_writebatch_put(batch, key, key_bytes, peer.jobs[0].bytes, BENCH_JOB_BYTES);
        if (i % FILL_BATCH == FILL_BATCH - 1 || i + 1 == rows) {
            rocksdb_write(peer.database, peer.synced, batch, &error);
            check(error);
            rocksdb_writebatch_clear(batch);
        }
    }
    printf("rows=%llu\n", (unsigned long long)rows);
    fflush(stdout);
    _exit(0); /* no orderly end: that would write its tables */
}

static void recover(const char *dir)
{
    uint64_t before = resident_bytes();
    int64_t begin = now_ns();
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    char key[32];
    size_t key_bytes = make_key(key, sizeof key, 0);
    size_t value_bytes = 0;
    char *error = NULL;
    char *value;

    open_peer(dir, true);
    value = rocksdb_get(peer.database, options, key, key_bytes, &value_bytes, &error);
    check(error);
    if (!value || value_bytes != BENCH_JOB_BYTES) {
        measure_fail("RocksDB has lost its first row");
    }
    printf("seconds=%.3f resident_bytes=%llu\n", (double)(now_ns() - begin) / 1e9,
           (unsigned long long)(resident_bytes() - before));
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "create") == 0) {
        open_peer(argv[2], false);
        peer_threads_run((unsigned)strtoul(argv[3], NULL, 10), strtod(argv[4], NULL), 1, argv[2], put, NULL);
        putchar('\n');
        fflush(stdout);
        _exit(0);
    } else if (argc == 4 && strcmp(argv[1], "fill") == 0) {
        open_peer(argv[2], true);
        fill(strtoull(argv[3], NULL, 10));
    } else if (argc == 3 && strcmp(argv[1], "recover") == 0) {
        recover(argv[2]);
    }
    fprintf(stderr, "usage: peer_rocksdb create|fill|recover DIR ARGUMENT...\n");
    return 2;
}
