#include "server/http_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "server/http_server_state.h"
#include "storage/store.h"

/* How often connections are looked at. */
#define LOOK_MS 1000
#define GZIP_QUALITY 1
/* What of a body stays in memory: the rest is in a file. */
#define SPILL_BYTES (1024 * 1024)
#define BROTLI_NEVER (-1)

static int64_t now_ms(void)
{
    return clock_mono_ns(clock_system()) / CLOCK_NS_PER_MS;
}

static enum http_phase phase_of(const struct http_server *server)
{
    return __atomic_load_n(&server->phase, __ATOMIC_ACQUIRE);
}

/* ---- the loop ---- */

static bool is_over(struct http_server *server)
{
    bool is_idle;

    if (phase_of(server) != HTTP_CUTTING || server->connection_count > 0) {
        return false;
    }
    pthread_mutex_lock(&server->lock);
    is_idle = server->exchanges == 0;
    pthread_mutex_unlock(&server->lock);
    return is_idle;
}

/* What has been asked of the loop since it last ran. */
static void follow_phase(struct http_server *server, enum http_phase *done)
{
    enum http_phase phase = phase_of(server);

    if (*done == HTTP_SERVING && phase != HTTP_SERVING) {
        http_listeners_close(server);
        h2o_context_request_shutdown(&server->context);
    }
    if (phase == HTTP_CUTTING) {
        http_connections_cut(server);
    }
    *done = phase;
}

/* libh2o writes to connections that are closed. Whoever has this room ignores SIGPIPE or does not; here it must not kill. */
static void block_sigpipe(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static void *run(void *context)
{
    struct http_server *server = context;
    enum http_phase done = HTTP_SERVING;

    pthread_setname_np(pthread_self(), "http");
    block_sigpipe();
    if (server->options.store) {
        store_reader_register(server->options.store);
    }
    while (!is_over(server)) {
        if (phase_of(server) != HTTP_SERVING) {
            follow_phase(server, &done);
        }
        (void)h2o_evloop_run(server->context.loop, LOOK_MS); /* fails when interrupted alone */
        if (now_ms() - server->looked_at_ms >= LOOK_MS) {
            server->looked_at_ms = now_ms();
            http_connections_look(server, server->looked_at_ms);
        }
    }
    if (server->options.store) {
        store_reader_unregister(server->options.store);
    }
    return NULL;
}

static void set_phase(struct http_server *server, enum http_phase phase)
{
    __atomic_store_n(&server->phase, phase, __ATOMIC_RELEASE);
    if (server->runs) {
        h2o_multithread_send_message(&server->mail, NULL);
    }
}

/* ---- making it ---- */

static void configure(struct http_server *server)
{
    h2o_globalconf_t *config = &server->config;
    h2o_compress_args_t compress = {.min_size = HTTP_GZIP_LEAST_BYTES};
    struct http_handler *handler;
    h2o_hostconf_t *host;

    h2o_config_init(config);
    config->server_name = h2o_iovec_init(H2O_STRLIT("customjobd"));
    config->max_request_entity_size = server->options.body_bytes_max;
    config->handshake_timeout = LIMIT_HANDSHAKE_MS;
    config->http1.req_timeout = (uint64_t)server->options.request_ms;
    config->http2.idle_timeout = (uint64_t)server->options.request_ms;
    host = h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    compress.gzip.quality = GZIP_QUALITY;
    compress.brotli.quality = BROTLI_NEVER;
    h2o_compress_register(&host->fallback_path, &compress);
    handler = (struct http_handler *)h2o_create_handler(&host->fallback_path, sizeof *handler);
    handler->handler.on_req = http_exchange_begin;
    handler->server = server;
}

/* libh2o's buffers ask this variable of its own. */
static int set_spill(const char *dir, struct err *err)
{
    h2o_buffer_mmap_settings_t *settings = &h2o_socket_buffer_mmap_settings;
    int size = snprintf(settings->fn_template, sizeof settings->fn_template, "%s/body.XXXXXX", dir);

    if (size < 0 || (size_t)size >= sizeof settings->fn_template) {
        return err_set(err, ERR_INVALID, "the path %.200s… is too long for bodies of requests", dir);
    }
    settings->threshold = SPILL_BYTES;
    return 0;
}

int http_server_create(const struct http_server_options *options, struct http_server **ret_server, struct err *err)
{
    struct http_server *server = calloc(1, sizeof *server);
    pthread_condattr_t monotonic;

    if (!server) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an HTTP server");
    }
    server->options = *options;
    if (server->options.connections_max == 0) {
        server->options.connections_max = LIMIT_HTTP_CONNECTIONS;
    }
    if (server->options.request_ms == 0) {
        server->options.request_ms = LIMIT_HTTP_REQUEST_MS;
    }
    if (server->options.answer_ms == 0) {
        server->options.answer_ms = LIMIT_HTTP_ANSWER_MS;
    }
    if (server->options.body_bytes_max == 0) {
        server->options.body_bytes_max = LIMIT_REQUEST_BYTES;
    }
    if (server->options.spill_dir && set_spill(server->options.spill_dir, err) != 0) {
        free(server);
        return -1;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&server->lock, NULL);
    configure(server);
    h2o_context_init(&server->context, h2o_evloop_create(), &server->config);
    h2o_multithread_register_receiver(server->context.queue, &server->mail, http_exchange_take_mail);
    *ret_server = server;
    return 0;
}

int http_server_start(struct http_server *server, struct err *err)
{
    int failure = pthread_create(&server->thread, NULL, run, server);

    if (failure) {
        return err_set_errno(err, failure, "cannot start the HTTP thread");
    }
    server->runs = true;
    return 0;
}

/* ---- ending it ---- */

void http_server_drain(struct http_server *server)
{
    if (phase_of(server) == HTTP_SERVING) {
        set_phase(server, HTTP_DRAINING);
    }
}

bool http_server_is_draining(const struct http_server *server)
{
    return phase_of(server) != HTTP_SERVING;
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

void http_server_stop(struct http_server *server, int64_t grace_ms)
{
    struct timespec deadline = after_ms(grace_ms);

    if (phase_of(server) == HTTP_CUTTING) {
        return;
    }
    http_server_drain(server);
    pthread_mutex_lock(&server->lock);
    while (server->runs && server->exchanges > 0 && !server->hurries &&
           pthread_cond_timedwait(&server->changed, &server->lock, &deadline) == 0) {
    }
    pthread_mutex_unlock(&server->lock);
    set_phase(server, HTTP_CUTTING);
}

void http_server_hurry(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->hurries = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void http_server_destroy(struct http_server *server)
{
    h2o_loop_t *loop;

    if (!server) {
        return;
    }
    http_server_stop(server, 0);
    if (server->runs) {
        pthread_join(server->thread, NULL);
    }
    http_listeners_close(server);
    loop = server->context.loop;
    h2o_multithread_unregister_receiver(server->context.queue, &server->mail);
    h2o_timeout_unlink(&server->context.http2._graceful_shutdown_timeout); /* libh2o aborts over it */
    h2o_context_dispose(&server->context);
    h2o_evloop_destroy(loop);
    h2o_config_dispose(&server->config);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
