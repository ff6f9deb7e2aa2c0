#include "server/health_service.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/limits.h"
#include "grpc/health/v1/health.upb.h"
#include "job/wire.h"
#include "server/handlers.h"
#include "server/services.h"
#include "upb/decode.h"

#define HEALTH(name) grpc_health_v1_##name
#define STATUS_FIELD 1
#define STATUS_BYTES 8

struct watcher {
    struct watcher *next;
    struct watcher **link; /* what points at this one; NULL: not in the list, and its call is ended */
    struct call *call;
    bool is_known;
    bool is_new_jobs;
};

struct health {
    pthread_mutex_t lock;
    struct watcher *watchers;
    unsigned watcher_count;
    bool is_serving;
    bool is_taking_jobs;
    bool has_stopped;
};

static const char *const service_names[] = {
    "", /* the server as a whole */
#define SERVICE(name) name,
#include "server/methods.def"
    HEALTH_NEW_JOBS,
};
#define SERVICE_COUNT (sizeof service_names / sizeof service_names[0])

static bool is_known_service(struct span name)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (span_equal_text(name, service_names[i])) {
            return true;
        }
    }
    return false;
}

/* A HealthCheckResponse with this status. */
static struct span encode_status(char buffer[STATUS_BYTES], int32_t status)
{
    const char *end = wire_put_number(buffer, STATUS_FIELD, (uint64_t)status);

    return span_make(buffer, (size_t)(end - buffer));
}

static bool is_new_jobs(struct span name)
{
    return span_equal_text(name, HEALTH_NEW_JOBS);
}

static int32_t status_now(const struct health *health, bool of_new_jobs)
{
    return health->is_serving && (health->is_taking_jobs || !of_new_jobs) ? HEALTH(HealthCheckResponse_SERVING)
                                                                          : HEALTH(HealthCheckResponse_NOT_SERVING);
}

bool health_is_serving(struct health *health)
{
    bool is_serving;

    pthread_mutex_lock(&health->lock);
    is_serving = health->is_serving;
    pthread_mutex_unlock(&health->lock);
    return is_serving;
}

int health_create(struct health **ret_health, struct err *err)
{
    struct health *health = calloc(1, sizeof *health);

    if (!health) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the health of the server");
    }
    pthread_mutex_init(&health->lock, NULL);
    health->is_taking_jobs = true;
    *ret_health = health;
    return 0;
}

void health_destroy(struct health *health)
{
    if (health) {
        pthread_mutex_destroy(&health->lock);
        free(health);
    }
}

/* ---- watchers; the lock is held ---- */

static void add_watcher(struct health *health, struct watcher *watcher)
{
    watcher->next = health->watchers;
    watcher->link = &health->watchers;
    if (watcher->next) {
        watcher->next->link = &watcher->next;
    }
    health->watchers = watcher;
    health->watcher_count++;
}

static void end_watcher(struct health *health, struct watcher *watcher, const struct err *err)
{
    *watcher->link = watcher->next;
    if (watcher->next) {
        watcher->next->link = watcher->link;
    }
    watcher->link = NULL;
    health->watcher_count--;
    call_stream_end(watcher->call, err);
}

static void tell(struct health *health, struct watcher *watcher)
{
    int32_t status =
        watcher->is_known ? status_now(health, watcher->is_new_jobs) : HEALTH(HealthCheckResponse_SERVICE_UNKNOWN);
    struct err err = ERR_INIT;
    char buffer[STATUS_BYTES];

    if (!call_stream_send(watcher->call, encode_status(buffer, status))) {
        err_set(&err, ERR_EXHAUSTED, "the client does not take what it watches");
        end_watcher(health, watcher, &err);
    }
}

static void tell_all(struct health *health, bool new_jobs_only)
{
    struct watcher *next;

    for (struct watcher *watcher = health->watchers; watcher; watcher = next) {
        next = watcher->next;
        if (watcher->is_known && (watcher->is_new_jobs || !new_jobs_only)) {
            tell(health, watcher);
        }
    }
}

void health_set(struct health *health, bool is_serving)
{
    pthread_mutex_lock(&health->lock);
    if (!health->has_stopped && health->is_serving != is_serving) {
        health->is_serving = is_serving;
        tell_all(health, false);
    }
    pthread_mutex_unlock(&health->lock);
}

void health_set_taking_jobs(struct health *health, bool is_taking)
{
    pthread_mutex_lock(&health->lock);
    if (!health->has_stopped && health->is_taking_jobs != is_taking) {
        health->is_taking_jobs = is_taking;
        tell_all(health, true);
    }
    pthread_mutex_unlock(&health->lock);
}

void health_stop(struct health *health)
{
    struct err err = ERR_INIT;

    health_set(health, false);
    err_set(&err, ERR_UNAVAILABLE, "the server is stopping");
    pthread_mutex_lock(&health->lock);
    health->has_stopped = true;
    while (health->watchers) {
        end_watcher(health, health->watchers, &err);
    }
    pthread_mutex_unlock(&health->lock);
}

static void client_gone(struct call *call, void *context)
{
    struct health *health = call_services(call)->health;
    struct watcher *watcher = context;

    pthread_mutex_lock(&health->lock);
    if (watcher->link) {
        end_watcher(health, watcher, NULL);
    }
    pthread_mutex_unlock(&health->lock);
}

/* ---- handlers ---- */

/* The service asked for; -1: the request is none. */
static int read_service(struct call *call, struct span *ret_service, struct err *err)
{
    struct span bytes = call_request(call);
    const HEALTH(HealthCheckRequest) *request = HEALTH(HealthCheckRequest_parse_ex)(
        bytes.data, bytes.size, NULL, UPB_DECODE_MAXDEPTH(LIMIT_REQUEST_DEPTH), call_arena(call));

    if (!request) {
        return err_set(err, ERR_INVALID, "the message is no HealthCheckRequest");
    }
    *ret_service = api_span(HEALTH(HealthCheckRequest_service)(request));
    return 0;
}

void handle_health_check(struct call *call)
{
    struct health *health = call_services(call)->health;
    struct err err = ERR_INIT;
    struct span service;
    char buffer[STATUS_BYTES];

    if (read_service(call, &service, &err)) {
        call_reply_error(call, &err, span_make(NULL, 0));
    } else if (!is_known_service(service)) {
        err_set(&err, ERR_NOT_FOUND, "the service \"%.*s\" is not one of this server", SPAN_FORMAT(service));
        call_reply_error(call, &err, span_make(NULL, 0));
    } else {
        pthread_mutex_lock(&health->lock);
        struct span status = encode_status(buffer, status_now(health, is_new_jobs(service)));
        pthread_mutex_unlock(&health->lock);
        call_reply(call, status);
    }
}

void handle_health_watch(struct call *call)
{
    struct health *health = call_services(call)->health;
    struct watcher *watcher = call_allocate(call, sizeof *watcher);
    struct err err = ERR_INIT;
    struct span service;

    if (read_service(call, &service, &err)) {
        call_stream_end(call, &err);
        return;
    }
    pthread_mutex_lock(&health->lock);
    if (health->has_stopped) {
        err_set(&err, ERR_UNAVAILABLE, "the server is stopping");
    } else if (!watcher || health->watcher_count >= LIMIT_HEALTH_WATCHES) {
        err_set(&err, ERR_EXHAUSTED, "%u clients watch the server's health, the limit is %d", health->watcher_count,
                LIMIT_HEALTH_WATCHES);
    } else {
        watcher->call = call;
        watcher->is_known = is_known_service(service);
        watcher->is_new_jobs = is_new_jobs(service);
        call_on_gone(call, client_gone, watcher);
        add_watcher(health, watcher);
        tell(health, watcher);
    }
    pthread_mutex_unlock(&health->lock);
    if (err.code != ERR_NONE) {
        call_stream_end(call, &err);
    }
}

void handle_health_list(struct call *call)
{
    struct health *health = call_services(call)->health;
    HEALTH(HealthListResponse) *response = HEALTH(HealthListResponse_new)(call_arena(call));
    HEALTH(HealthCheckResponse) * states[2] = {HEALTH(HealthCheckResponse_new)(call_arena(call)),
                                               HEALTH(HealthCheckResponse_new)(call_arena(call))};
    struct err err = ERR_INIT;
    bool is_complete = response && states[0] && states[1];
    char *bytes = NULL;
    size_t size;

    pthread_mutex_lock(&health->lock);
    int32_t statuses[2] = {status_now(health, false), status_now(health, true)};
    pthread_mutex_unlock(&health->lock);
    for (int i = 0; is_complete && i < 2; i++) {
        HEALTH(HealthCheckResponse_set_status)(states[i], statuses[i]);
    }
    for (size_t i = 0; is_complete && i < SERVICE_COUNT; i++) {
        is_complete =
            HEALTH(HealthListResponse_statuses_set)(response, upb_StringView_FromString(service_names[i]),
                                                    states[is_new_jobs(span_of(service_names[i]))], call_arena(call));
    }
    if (is_complete) {
        bytes = HEALTH(HealthListResponse_serialize)(response, call_arena(call), &size);
    }
    if (!bytes) {
        err_set(&err, ERR_EXHAUSTED, "no memory for the answer");
        call_reply_error(call, &err, span_make(NULL, 0));
    } else {
        call_reply(call, span_make(bytes, size));
    }
}
