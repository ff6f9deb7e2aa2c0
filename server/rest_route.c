#include "server/rest_route.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/json_message.h"
#include "server/methods.h"
#include "upb/def.h"

#define PATH_BYTES 128

enum version { VERSION_V1, VERSION_V1BETA1, VERSION_UI, VERSION_V2, VERSIONS };
enum service { JOB_SERVICE, OPERATIONS, LOCATIONS, LOGGING };

static const char *const version_names[VERSIONS] = {"v1", "v1beta1", "ui", "v2"};

struct row {
    struct rest_route route;
    enum service service;
    const char *method;
};

static const struct row rows[] = {
#define ROUTE(verb, name, tail, custom_verb, service, method, field, body) \
    {{verb, name, tail, custom_verb, field, body}, service, method},
#include "server/rest_route.def"
};

#define ROWS (sizeof rows / sizeof rows[0])

struct rest_routes {
    size_t count;
    struct rest_method methods[VERSIONS * ROWS];
};

/* ---- making them ---- */

static const char *service_of(enum service service, enum version version)
{
    switch (service) {
    case OPERATIONS:
        return "google.longrunning.Operations";
    case LOCATIONS:
        return "google.cloud.location.Locations";
    case LOGGING:
        return "google.logging.v2.LoggingServiceV2";
    default:
        return version == VERSION_V1BETA1 ? "google.cloud.aiplatform.v1beta1.JobService"
                                          : "google.cloud.aiplatform.v1.JobService";
    }
}

static const struct rpc_method *find_method(const char *path)
{
    size_t count = 0;
    const struct rpc_method *methods = methods_served(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(methods[i].path, path) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}

static int make_method(const struct json_types *types, const struct row *row, enum version version,
                       struct rest_method *method, struct err *err)
{
    const upb_MethodDef *def;
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "/%s/%s", service_of(row->service, version), row->method);
    method->version = version_names[version];
    method->route = &row->route;
    method->method = find_method(path);
    def = json_types_method(types, path);
    if (!method->method || !def) {
        return err_set(err, ERR_INTERNAL, "a REST path is for %s, which is not served", path);
    }
    method->request = upb_MethodDef_InputType(def);
    method->response = upb_MethodDef_OutputType(def);
    method->name = upb_MessageDef_FindFieldByName(method->request, row->route.field);
    method->body = upb_MessageDef_FindFieldByName(method->request, row->route.body);
    if ((!method->name && row->route.field[0] != '\0') ||
        (!method->body && row->route.body[0] != '\0' && row->route.body[0] != '*')) {
        return err_set(err, ERR_INTERNAL, "a REST path of %s names a field that the request has not", path);
    }
    return 0;
}

int rest_routes_create(const struct json_types *types, struct rest_routes **ret_routes, struct err *err)
{
    struct rest_routes *routes = calloc(1, sizeof *routes);

    if (!routes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for REST paths");
    }
    for (enum version version = 0; version < VERSIONS; version++) {
        for (size_t i = 0; i < ROWS; i++) {
            if ((rows[i].service == LOGGING) != (version == VERSION_V2)) {
                continue;
            }
            if (make_method(types, &rows[i], version, &routes->methods[routes->count++], err)) {
                free(routes);
                return -1;
            }
        }
    }
    *ret_routes = routes;
    return 0;
}

void rest_routes_destroy(struct rest_routes *routes)
{
    free(routes);
}

const struct rest_method *rest_routes_at(const struct rest_routes *routes, size_t index)
{
    return index < routes->count ? &routes->methods[index] : NULL;
}

/* ---- finding one ---- */

/* A path in segments, as sent. */
struct segments {
    struct span items[REST_SEGMENTS_MAX];
    size_t count;
};

/* False: more than any path of ours has, or an empty one. */
static bool split(struct span path, struct segments *segments)
{
    segments->count = 0;
    for (;;) {
        const char *slash = path.size > 0 ? memchr(path.data, '/', path.size) : NULL;
        size_t size = slash ? (size_t)(slash - path.data) : path.size;

        if (segments->count == REST_SEGMENTS_MAX || size == 0) {
            return false;
        }
        segments->items[segments->count++] = span_make(path.data, size);
        if (!slash) {
            return true;
        }
        path = span_skip(path, size + 1);
    }
}

static bool take_version(struct span *path, enum version *ret_version)
{
    for (enum version version = 0; version < VERSIONS; version++) {
        size_t size = strlen(version_names[version]);

        if (path->size >= size + 2 && path->data[0] == '/' && path->data[size + 1] == '/' &&
            memcmp(path->data + 1, version_names[version], size) == 0) {
            *path = span_skip(*path, size + 2);
            *ret_version = version;
            return true;
        }
    }
    return false;
}

bool rest_routes_is_api(struct span path)
{
    enum version version;

    return take_version(&path, &version);
}

/* How many segments of the pattern fit the segments from the front; 0: they do not. */
static size_t fit(const char *pattern, const struct segments *segments)
{
    struct span rest = span_of(pattern);
    size_t count = 0;

    while (rest.size > 0) {
        const char *slash = memchr(rest.data, '/', rest.size);
        struct span wanted = span_make(rest.data, slash ? (size_t)(slash - rest.data) : rest.size);

        if (count == segments->count ||
            (!span_equal_text(wanted, "*") && !span_equal(wanted, segments->items[count]))) {
            return 0;
        }
        count++;
        rest = span_skip(rest, wanted.size + (slash ? 1 : 0));
    }
    return count;
}

/* The custom verb of the last segment, taken off it; empty when there is none. */
static struct span take_custom_verb(struct segments *segments)
{
    struct span *last = &segments->items[segments->count - 1];
    const char *colon = memrchr(last->data, ':', last->size);
    struct span verb = {"", 0};

    if (colon) {
        size_t size = (size_t)(colon - last->data);

        verb = span_skip(*last, size + 1);
        last->size = size;
    }
    return verb;
}

/* The path fits the row, whatever the verbs. */
static bool is_path_of(const struct rest_route *route, const struct segments *segments, struct span *ret_name)
{
    size_t count = fit(route->name, segments);
    size_t tail = route->tail[0] != '\0';
    const struct span *last;

    if (count == 0 || count + tail != segments->count ||
        (tail && !span_equal_text(segments->items[count], route->tail))) {
        return false;
    }
    last = &segments->items[count - 1];
    *ret_name = span_make(segments->items[0].data, (size_t)(last->data + last->size - segments->items[0].data));
    return true;
}

static void allow(struct rest_path *path, const char *verb)
{
    size_t size = strlen(path->allowed);

    snprintf(path->allowed + size, sizeof path->allowed - size, "%s%s", size > 0 ? ", " : "", verb);
}

enum rest_match rest_routes_find(const struct rest_routes *routes, struct span verb, struct span path,
                                 struct rest_path *ret_path)
{
    struct segments segments;
    struct span custom_verb, name;
    enum version version = VERSION_V1;
    bool is_known = false;

    ret_path->allowed[0] = '\0';
    if (!take_version(&path, &version) || !split(path, &segments)) {
        return REST_UNKNOWN;
    }
    custom_verb = take_custom_verb(&segments);
    for (size_t i = 0; i < routes->count; i++) {
        const struct rest_route *route = routes->methods[i].route;

        if (routes->methods[i].version != version_names[version] || !is_path_of(route, &segments, &name)) {
            continue;
        }
        is_known = true;
        if (!span_equal_text(custom_verb, route->custom_verb)) {
            continue;
        }
        if (span_equal_text(verb, route->verb)) {
            ret_path->method = &routes->methods[i];
            ret_path->name = name;
            return REST_MATCHED;
        }
        allow(ret_path, route->verb);
    }
    if (ret_path->allowed[0] != '\0') {
        return REST_OTHER_VERB;
    }
    if (is_known) {
        return REST_NO_SUCH_METHOD;
    }
    return version != VERSION_V2 && fit("projects/*/locations/*", &segments) ? REST_NOT_SERVED : REST_UNKNOWN;
}
