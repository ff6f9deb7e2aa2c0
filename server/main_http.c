#include "server/main_http.h"

#include "base/limits.h"
#include "server/gcs.h"
#include "server/http_router.h"
#include "server/http_server.h"

int main_http_make(struct main_http *http, const struct services *services, const char *buckets_dir, struct err *err)
{
    struct http_server_options options = {.store = services->store, .serve = http_router_serve};

    if (buckets_dir) {
        if (gcs_create(buckets_dir, &http->gcs, err)) {
            return -1;
        }
        options.body_bytes_max = LIMIT_OBJECT_BODY_BYTES;
        options.request_ms = LIMIT_OBJECT_REQUEST_MS;
        options.spill_dir = gcs_spill_dir(http->gcs);
    }
    if (http_router_create(services, http->gcs, &http->router, err)) {
        return -1;
    }
    options.context = http->router;
    return http_server_create(&options, &http->server, err);
}

int main_http_start(struct main_http *http, struct err *err)
{
    return http->server ? http_server_start(http->server, err) : 0;
}

void main_http_drain(struct main_http *http)
{
    if (http->server) {
        http_router_stop(http->router);
        http_server_drain(http->server);
    }
}

void main_http_stop(struct main_http *http, int64_t deadline_mono_ns)
{
    int64_t left_ns = deadline_mono_ns - clock_mono_ns(clock_system());

    if (http->server) {
        http_server_stop(http->server, left_ns > 0 ? left_ns / CLOCK_NS_PER_MS : 0);
    }
}

void main_http_hurry(struct main_http *http)
{
    if (http->server) {
        http_server_hurry(http->server);
    }
}

void main_http_destroy(struct main_http *http)
{
    http_server_destroy(http->server);
    http_router_destroy(http->router);
    gcs_destroy(http->gcs);
    *http = (struct main_http){.server = NULL};
}
