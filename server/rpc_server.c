#include "server/rpc_server.h"

#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "server/rpc_thread.h"

#define CALL_THREADS_DEFAULT_MAX 4
#define CALL_THREADS_MAX 64
#define HOST_BYTES 256
/* How long clients are told at least that the server stops, before their calls are cut off. */
#define NOTICE_MS 50
#define KEEPALIVE_TIME_MS 60000
#define KEEPALIVE_TIMEOUT_MS 20000
#define PING_INTERVAL_MIN_MS 10000

struct rpc_server {
    struct rpc_server_options options;
    struct rpc_dispatch *dispatch;
    struct rpc_shared shared;
    struct rpc_tag shutdown_tag;
    bool is_shut_down; /* under shared.lock */
    bool hurries;      /* under shared.lock */
    bool has_stopped;
    uint32_t thread_count;
    struct rpc_thread threads[];
};

/* Half of the processors: the other half is for the controller, its disk and what else runs here; and core's threads wake
 * each other for nearly every call as soon as there are two. */
static uint32_t threads_wanted(uint32_t asked)
{
    long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

    if (asked > 0) {
        return asked < CALL_THREADS_MAX ? asked : CALL_THREADS_MAX;
    }
    if (half < 1) {
        return 1;
    }
    return half < CALL_THREADS_DEFAULT_MAX ? (uint32_t)half : CALL_THREADS_DEFAULT_MAX;
}

static grpc_arg integer(const char *key, int value)
{
    grpc_arg arg = {.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};

    return arg;
}

/* Each of them was seen to be needed: without it a client takes more than its share. */
static grpc_server *create_core_server(void)
{
    grpc_arg args[] = {
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, LIMIT_REQUEST_BYTES),
        integer(GRPC_ARG_MAX_METADATA_SIZE, LIMIT_METADATA_BYTES),
        integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, LIMIT_STREAMS_PER_CONNECTION),
        integer(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, LIMIT_HANDSHAKE_MS),
        /* Inflating comes before the check of the size. */
        integer(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
        /* Else a second server would share the address, silently. */
        integer(GRPC_ARG_ALLOW_REUSEPORT, 0),
        integer(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_TIME_MS),
        integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        integer(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PING_INTERVAL_MIN_MS),
    };
    grpc_channel_args list = {.num_args = sizeof args / sizeof args[0], .args = args};

    return grpc_server_create(&list, NULL);
}

static void happened_shutdown(void *context, bool ok)
{
    struct rpc_server *server = context;

    (void)ok;
    pthread_mutex_lock(&server->shared.lock);
    server->is_shut_down = true;
    pthread_cond_broadcast(&server->shared.changed);
    pthread_mutex_unlock(&server->shared.lock);
}

static int init_threads(struct rpc_server *server, struct err *err)
{
    server->shared.server = create_core_server();
    if (!server->shared.server) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the gRPC server");
    }
    while (server->thread_count < threads_wanted(server->options.call_threads)) {
        if (rpc_thread_init(&server->threads[server->thread_count], &server->shared, err)) {
            return -1;
        }
        server->thread_count++;
    }
    return 0;
}

int rpc_server_create(const struct rpc_server_options *options, struct rpc_server **ret_server, struct err *err)
{
    struct rpc_dispatch *dispatch;
    struct rpc_server *server;
    pthread_condattr_t attributes;

    if (rpc_dispatch_create(options->methods, options->method_count, &dispatch, err)) {
        return -1;
    }
    server = calloc(1, sizeof *server + threads_wanted(options->call_threads) * sizeof server->threads[0]);
    if (!server) {
        rpc_dispatch_destroy(dispatch);
        return err_set(err, ERR_EXHAUSTED, "no memory for the server");
    }
    grpc_init();
    server->options = *options;
    server->dispatch = dispatch;
    server->shared.options = &server->options;
    server->shared.dispatch = dispatch;
    server->shared.calls_max = options->calls_in_flight_max ? options->calls_in_flight_max : LIMIT_CALLS_IN_FLIGHT;
    server->shutdown_tag = (struct rpc_tag){happened_shutdown, server};
    pthread_mutex_init(&server->shared.lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->shared.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (init_threads(server, err)) {
        rpc_server_destroy(server);
        return -1;
    }
    *ret_server = server;
    return 0;
}

/* ---- addresses ---- */

/* Why an address cannot be had: core does not say, so it is asked for once more. 0: it can, now. */
static int bind_errno(const struct addrinfo *info)
{
    const int on = 1;
    int result = 0;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);

    if (fd < 0) {
        return errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, info->ai_addr, info->ai_addrlen) ||
        listen(fd, 1)) {
        result = errno;
    }
    close(fd);
    return result;
}

static int explain_failure(const char *address, struct err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    const char *colon = strrchr(address, ':');
    struct addrinfo *found;
    char host[HOST_BYTES];
    int failure;

    if (!colon || (size_t)(colon - address) >= sizeof host || strncmp(address, "unix:", 5) == 0) {
        return err_set(err, ERR_INVALID, "cannot listen on %s", address);
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    if (host[0] == '[') {
        memmove(host, host + 1, strlen(host));
        host[strcspn(host, "]")] = '\0';
    }
    failure = getaddrinfo(host, colon + 1, &hints, &found);
    if (failure) {
        return err_set(err, ERR_INVALID, "cannot listen on %s: %s", address, gai_strerror(failure));
    }
    failure = bind_errno(found);
    freeaddrinfo(found);
    if (failure == EADDRINUSE) {
        return err_set(err, ERR_IN_USE, "cannot listen on %s: another program has this address", address);
    }
    if (failure) {
        return err_set_errno(err, failure, "cannot listen on %s", address);
    }
    return err_set(err, ERR_IO, "cannot listen on %s", address);
}

int rpc_server_listen(struct rpc_server *server, const char *address, struct grpc_server_credentials *credentials,
                      int *ret_port, struct err *err)
{
    const char *colon = strrchr(address, ':');
    int port;

    if (!colon || colon[1] == '\0' || colon[1] == ']') { /* core would take 443 for the port */
        return err_set(err, ERR_INVALID, "%s is no address: it must be HOST:PORT, [IPV6]:PORT or unix:PATH", address);
    }
    port = grpc_server_add_http2_port(server->shared.server, address, credentials);
    if (port == 0) {
        return explain_failure(address, err);
    }
    *ret_port = port;
    return 0;
}

/* ---- life ---- */

int rpc_server_start(struct rpc_server *server, struct err *err)
{
    grpc_server_start(server->shared.server);
    for (uint32_t i = 0; i < server->thread_count; i++) {
        if (rpc_thread_start(&server->threads[i], err)) {
            return -1;
        }
    }
    return 0;
}

static struct timespec after_ms(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * CLOCK_NS_PER_MS;
    if (at.tv_nsec >= CLOCK_NS_PER_S) {
        at.tv_sec++;
        at.tv_nsec -= CLOCK_NS_PER_S;
    }
    return at;
}

/* Without loops there is nobody but us to take the tag. */
static void shut_down_unstarted(struct rpc_server *server)
{
    const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    while (!server->is_shut_down) {
        grpc_event event = grpc_completion_queue_next(server->threads[0].queue, never, NULL);
        struct rpc_tag *tag = event.tag;

        tag->happened(tag->context, event.success != 0);
    }
}

static uint32_t calls_served(const struct rpc_shared *shared)
{
    uint32_t turned_away = __atomic_load_n(&shared->turned_away, __ATOMIC_ACQUIRE);
    uint32_t calls = __atomic_load_n(&shared->calls, __ATOMIC_ACQUIRE);

    return calls > turned_away ? calls - turned_away : 0;
}

static bool is_before(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec != right->tv_sec ? left->tv_sec < right->tv_sec : left->tv_nsec < right->tv_nsec;
}

/* What comes once core shuts down is cancelled by it without a word. So we refuse it ourselves first, as UNAVAILABLE, until
 * clients have had the time to hear it, and as long as calls from before are under way. */
static void turn_away(struct rpc_server *server, const struct timespec *deadline)
{
    struct rpc_shared *shared = &server->shared;
    struct timespec notice = after_ms(NOTICE_MS);
    const struct timespec *until = is_before(&notice, deadline) ? &notice : deadline;

    pthread_mutex_lock(&shared->lock);
    while (!server->hurries && pthread_cond_timedwait(&shared->changed, &shared->lock, until) == 0) {
    }
    while (!server->hurries && calls_served(shared) > 0 &&
           pthread_cond_timedwait(&shared->changed, &shared->lock, deadline) == 0) {
    }
    pthread_mutex_unlock(&shared->lock);
}

void rpc_server_stop(struct rpc_server *server, int64_t grace_ms)
{
    struct rpc_shared *shared = &server->shared;
    struct timespec deadline = after_ms(grace_ms);

    if (server->has_stopped || server->thread_count == 0) {
        return;
    }
    server->has_stopped = true;
    __atomic_store_n(&shared->draining, true, __ATOMIC_RELEASE);
    if (server->threads[0].runs) {
        turn_away(server, &deadline);
    }
    grpc_server_shutdown_and_notify(shared->server, server->threads[0].queue, &server->shutdown_tag);
    if (!server->threads[0].runs) {
        shut_down_unstarted(server);
        return;
    }
    pthread_mutex_lock(&shared->lock);
    while (!server->is_shut_down && !server->hurries &&
           pthread_cond_timedwait(&shared->changed, &shared->lock, &deadline) == 0) {
    }
    pthread_mutex_unlock(&shared->lock);
    grpc_server_cancel_all_calls(shared->server);
    pthread_mutex_lock(&shared->lock);
    while (!server->is_shut_down) {
        pthread_cond_wait(&shared->changed, &shared->lock);
    }
    pthread_mutex_unlock(&shared->lock);
}

void rpc_server_hurry(struct rpc_server *server)
{
    pthread_mutex_lock(&server->shared.lock);
    server->hurries = true;
    pthread_cond_broadcast(&server->shared.changed);
    pthread_mutex_unlock(&server->shared.lock);
}

static void wait_for_calls(struct rpc_shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    while (__atomic_load_n(&shared->calls, __ATOMIC_ACQUIRE) > 0) {
        pthread_cond_wait(&shared->changed, &shared->lock);
    }
    pthread_mutex_unlock(&shared->lock);
}

void rpc_server_destroy(struct rpc_server *server)
{
    if (!server) {
        return;
    }
    rpc_server_stop(server, 0);
    wait_for_calls(&server->shared);
    if (server->shared.server) {
        grpc_server_destroy(server->shared.server);
    }
    for (uint32_t i = 0; i < server->thread_count; i++) {
        rpc_thread_deinit(&server->threads[i]);
    }
    rpc_dispatch_destroy(server->dispatch);
    pthread_cond_destroy(&server->shared.changed);
    pthread_mutex_destroy(&server->shared.lock);
    free(server);
    grpc_shutdown();
}
