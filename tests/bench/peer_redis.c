/* peer_redis: a client of Redis that keeps a fixed number of SETs in flight, one a connection.
 *
 * usage: peer_redis create PORT IN_FLIGHT SECONDS DIR    DIR: of the server, for the device's counters
 *        peer_redis fill   PORT ROWS                     so many rows, pipelined
 * Shape     one thread, poll: the same load whatever the number of connections.
 * Prints    one line of "key=value".
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_job.h"
#include "measure.h"

#define CLIENTS_MAX 1024
#define PIPELINE 256
#define ID_FIRST UINT64_C(1000000000000000000)
#define WARM_UP_NS INT64_C(200000000)
#define ANSWER "+OK\r\n"
#define ANSWER_BYTES 5

struct client {
    int64_t begin_ns;
    size_t answered; /* bytes of the answer under way */
};

static struct bench_job job;
static uint64_t next_number;

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    int file = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (file < 0 || connect(file, (struct sockaddr *)&address, sizeof address) != 0) {
        measure_fail("cannot connect to Redis on port %u", port);
    }
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return file;
}

static void send_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(file, bytes, size, MSG_NOSIGNAL);

        if (sent <= 0) {
            measure_fail("Redis has hung up");
        }
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void send_set(int file)
{
    char request[BENCH_JOB_BYTES + 128];
    uint64_t number = next_number++;
    int head = snprintf(request, sizeof request, "*3\r\n$3\r\nSET\r\n$24\r\njobs/%019llu\r\n$%d\r\n",
                        (unsigned long long)(ID_FIRST + number), BENCH_JOB_BYTES);

    bench_job_set(&job, ID_FIRST + number, number);
    memcpy(request + head, job.bytes, BENCH_JOB_BYTES);
    memcpy(request + head + BENCH_JOB_BYTES, "\r\n", 2);
    send_all(file, request, (size_t)head + BENCH_JOB_BYTES + 2);
}

/* True: the answer is whole. */
static bool receive(int file, struct client *client)
{
    char bytes[ANSWER_BYTES];
    ssize_t got = recv(file, bytes, ANSWER_BYTES - client->answered, 0);

    if (got <= 0 || memcmp(bytes, ANSWER + client->answered, (size_t)got) != 0) {
        measure_fail("Redis has refused a SET");
    }
    client->answered = (client->answered + (size_t)got) % ANSWER_BYTES;
    return client->answered == 0;
}

/* Keeps all connections busy until end_ns, then takes the answers that are under way. */
static void drive(struct pollfd *polls, struct client *clients, nfds_t count, int64_t end_ns, struct samples *latency)
{
    nfds_t running = count;

    for (nfds_t i = 0; i < count; i++) {
        polls[i].events = POLLIN;
        clients[i].begin_ns = now_ns();
        send_set(polls[i].fd);
    }
    while (running > 0) {
        if (poll(polls, count, 10000) <= 0) {
            measure_fail("Redis does not answer");
        }
        for (nfds_t i = 0; i < count; i++) {
            int64_t now;

            if (polls[i].revents == 0 || !receive(polls[i].fd, &clients[i])) {
                continue;
            }
            now = now_ns();
            samples_add(latency, now - clients[i].begin_ns);
            clients[i].begin_ns = now;
            if (now < end_ns) {
                send_set(polls[i].fd);
            } else {
                polls[i].events = 0;
                running--;
            }
        }
    }
}

static void create(unsigned port, nfds_t count, double seconds, const char *dir)
{
    static struct pollfd polls[CLIENTS_MAX];
    static struct client clients[CLIENTS_MAX];
    struct samples latency = {0};
    struct device device;
    int64_t begin;
    double took;

    if (count == 0 || count > CLIENTS_MAX) {
        measure_fail("1 to %d connections", CLIENTS_MAX);
    }
    for (nfds_t i = 0; i < count; i++) {
        polls[i].fd = connect_to(port);
    }
    drive(polls, clients, count, now_ns() + WARM_UP_NS, &latency);
    latency.count = 0;
    device_open(&device, dir);
    begin = now_ns();
    drive(polls, clients, count, begin + (int64_t)(seconds * 1e9), &latency);
    took = (double)(now_ns() - begin) / 1e9;
    device_print(&device);
    samples_print(&latency, "");
    printf("rows=%zu seconds=%.3f rate=%.1f payload_bytes=%zu\n", latency.count, took, (double)latency.count / took,
           latency.count * BENCH_JOB_BYTES);
    samples_deinit(&latency);
}

static void fill(unsigned port, uint64_t rows)
{
    int file = connect_to(port);
    struct client client = {0};

    for (uint64_t done = 0; done < rows;) {
        uint64_t batch = rows - done < PIPELINE ? rows - done : PIPELINE;

        for (uint64_t i = 0; i < batch; i++) {
            send_set(file);
        }
        for (uint64_t i = 0; i < batch;) {
            i += receive(file, &client) ? 1 : 0;
        }
        done += batch;
    }
    printf("rows=%llu\n", (unsigned long long)rows);
    close(file);
}

int main(int argc, char **argv)
{
    bench_job_init(&job);
    if (argc == 6 && strcmp(argv[1], "create") == 0) {
        create((unsigned)atoi(argv[2]), strtoul(argv[3], NULL, 10), strtod(argv[4], NULL), argv[5]);
    } else if (argc == 4 && strcmp(argv[1], "fill") == 0) {
        fill((unsigned)atoi(argv[2]), strtoull(argv[3], NULL, 10));
    } else {
        fprintf(stderr, "usage: peer_redis create PORT IN_FLIGHT SECONDS DIR | fill PORT ROWS\n");
        return 2;
    }
    return 0;
}
