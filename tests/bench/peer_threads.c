#include "peer_threads.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_job.h"
#include "measure.h"

#define CLIENTS_MAX 1024
#define WARM_UP_NS INT64_C(200000000)

struct run {
    peer_write_fn write;
    void *context;
    int64_t end_ns;
    _Atomic uint64_t next_number;
};

struct client {
    struct run *run;
    unsigned number;
    struct samples latency;
    pthread_t thread;
};

static void *client_main(void *argument)
{
    struct client *client = argument;
    int64_t now = now_ns();

    while (now < client->run->end_ns) {
        int64_t begin = now;

        client->run->write(client->run->context, client->number, atomic_fetch_add(&client->run->next_number, 1));
        now = now_ns();
        samples_add(&client->latency, now - begin);
    }
    return NULL;
}

static void run_clients(struct client *clients, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clients[i].latency.count = 0;
        if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0) {
            measure_fail("cannot start %u threads", count);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(clients[i].thread, NULL);
    }
}

void peer_threads_run(unsigned count, double seconds, unsigned rows_per_write, const char *dir, peer_write_fn write,
                      void *context)
{
    struct run run = {.write = write, .context = context};
    struct client *clients = calloc(count, sizeof *clients);
    struct samples all = {0};
    struct device device;
    uint64_t rows = 0;
    int64_t begin;
    double took;

    if (!clients || count == 0 || count > CLIENTS_MAX) {
        measure_fail("1 to %d clients", CLIENTS_MAX);
    }
    for (unsigned i = 0; i < count; i++) {
        clients[i].run = &run;
        clients[i].number = i;
    }
    run.end_ns = now_ns() + WARM_UP_NS;
    run_clients(clients, count);
    device_open(&device, dir);
    begin = now_ns();
    run.end_ns = begin + (int64_t)(seconds * 1e9);
    run_clients(clients, count);
    took = (double)(now_ns() - begin) / 1e9;
    device_print(&device);
    for (unsigned i = 0; i < count; i++) {
        rows += clients[i].latency.count * rows_per_write;
        samples_merge(&all, &clients[i].latency);
        samples_deinit(&clients[i].latency);
    }
    samples_print(&all, "");
    printf("rows=%" PRIu64 " seconds=%.3f rate=%.1f payload_bytes=%" PRIu64 " ", rows, took, (double)rows / took,
           rows * BENCH_JOB_BYTES);
    samples_deinit(&all);
    free(clients);
}
