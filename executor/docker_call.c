#include "executor/docker_call.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_BYTES 16

struct docker_api {
    struct docker_http *http;
    int minor; /* 0: to be asked for */
};

/* ---- life and version ---- */

int docker_api_create(const char *socket_path, bool (*cancelled)(void *context), void *cancel_context,
                      struct docker_api **ret_api, struct err *err)
{
    struct docker_api *api = calloc(1, sizeof *api);

    if (!api) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a connection to the Docker engine");
    }
    if (docker_http_create(socket_path, cancelled, cancel_context, &api->http, err) != 0) {
        free(api);
        return -1;
    }
    *ret_api = api;
    return 0;
}

void docker_api_destroy(struct docker_api *api)
{
    if (api) {
        docker_http_destroy(api->http);
        free(api);
    }
}

static int choose_version(const struct docker_response *response, int *ret_minor, struct err *err)
{
    int major = 0, minor = 0;

    if (response->status != 200) {
        return err_set(err, ERR_UNAVAILABLE, "the Docker engine answers its ping with status %ld", response->status);
    }
    if (response->is_libpod) {
        return err_set(err, ERR_UNSUPPORTED,
                       "what answers there is Podman, which is not supported: give the socket of a Docker engine");
    }
    if (sscanf(response->api_version, "%d.%d", &major, &minor) != 2 || major != 1) { /* NOLINT(cert-err34-c) */
        return err_set(err, ERR_UNSUPPORTED, "what answers there is no Docker engine: its API version is \"%s\"",
                       response->api_version);
    }
    if (minor < DOCKER_API_MINOR_MIN) {
        return err_set(err, ERR_UNSUPPORTED,
                       "the Docker engine speaks API 1.%d at most, and 1.%d (Docker 20.10) is needed", minor,
                       DOCKER_API_MINOR_MIN);
    }
    *ret_minor = minor < DOCKER_API_MINOR_MAX ? minor : DOCKER_API_MINOR_MAX;
    return 0;
}

int docker_api_ping(struct docker_api *api, int *ret_minor, struct err *err)
{
    struct docker_request request = {
        .method = "GET", .path = "/_ping", .timeout_ms = DOCKER_CALL_MS_MAX, .body_bytes_max = DOCKER_ANSWER_BYTES_MAX};
    struct docker_response response;
    int result;

    api->minor = 0;
    if (docker_http_send(api->http, &request, &response, err) != 0) {
        return -1;
    }
    result = choose_version(&response, &api->minor, err);
    docker_response_deinit(&response);
    if (result == 0 && ret_minor) {
        *ret_minor = api->minor;
    }
    return result;
}

/* ---- a call ---- */

static enum err_code code_of(long status)
{
    switch (status) {
    case 400:
        return ERR_INVALID;
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_EXISTS;
    default:
        return ERR_IO;
    }
}

static int refuse(const struct docker_response *response, struct err *err)
{
    json_t *answer = json_loadb(response->body, response->body_bytes, 0, NULL);
    const char *message = json_string_value(json_object_get(answer, "message"));

    if (message) {
        err_set(err, code_of(response->status), "Docker: %s", message);
    } else {
        err_set(err, code_of(response->status), "Docker answered with status %ld", response->status);
    }
    json_decref(answer);
    return -1;
}

static int read_answer(const struct docker_response *response, json_t **ret_answer, struct err *err)
{
    json_error_t error;
    json_t *answer;

    if (response->status / 100 != 2 && response->status != 304) {
        return refuse(response, err);
    }
    if (!ret_answer) {
        return 0;
    }
    answer = response->body_bytes > 0 ? json_loadb(response->body, response->body_bytes, 0, &error) : json_null();
    if (!answer) {
        return err_set(err, ERR_IO, "the Docker engine's answer is no JSON: %s", error.text);
    }
    *ret_answer = answer;
    return 0;
}

/* Frees text. */
static int send_text(struct docker_api *api, const struct docker_call *call, char *text, json_t **ret_answer,
                     struct err *err)
{
    struct docker_request request = {.method = call->method,
                                     .body = text,
                                     .registry_auth = call->registry_auth,
                                     .timeout_ms = call->timeout_ms ? call->timeout_ms : DOCKER_CALL_MS_MAX,
                                     .silence_ms_max = call->silence_ms_max,
                                     .body_bytes_max =
                                         call->answer_bytes_max ? call->answer_bytes_max : DOCKER_ANSWER_BYTES_MAX,
                                     .line = call->line,
                                     .line_context = call->line_context};
    struct docker_response response;
    char *path = NULL;
    int result = -1;

    if (asprintf(&path, "/v1.%d%s", api->minor, call->path) < 0) {
        path = NULL;
        err_set(err, ERR_EXHAUSTED, "no memory for a call to the Docker engine");
    } else {
        request.path = path;
        result = docker_http_send(api->http, &request, &response, err);
        if (result != 0) {
            api->minor = 0;
        } else {
            result = read_answer(&response, ret_answer, err);
            docker_response_deinit(&response);
        }
    }
    free(path);
    free(text);
    return result;
}

int docker_call(struct docker_api *api, struct docker_call call, json_t **ret_answer, struct err *err)
{
    char *text = call.body ? json_dumps(call.body, JSON_COMPACT) : NULL;

    json_decref(call.body);
    if (!call.path || (call.wants_body && !text)) {
        free(text);
        return err_set(err, ERR_EXHAUSTED, "no memory for a call to the Docker engine");
    }
    if (api->minor == 0 && docker_api_ping(api, NULL, err) != 0) {
        free(text);
        return -1;
    }
    return send_text(api, &call, text, ret_answer, err);
}

/* ---- parts of calls ---- */

char *docker_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped ? strdup(escaped) : NULL;

    curl_free(escaped);
    return copy;
}

json_t *docker_labels(const struct docker_label *labels, size_t label_count)
{
    json_t *object = json_object();

    for (size_t i = 0; i < label_count; i++) {
        if (json_object_set_new(object, labels[i].name, json_string(labels[i].value)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

int docker_check_image(const char *image, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@-";

    if (image[0] == '\0' || image[0] == '/' || image[strspn(image, allowed)] != '\0' || strstr(image, "..") ||
        strstr(image, "//") || strstr(image, "/./")) {
        return err_set(err, ERR_INVALID, "\"%.200s\" cannot be the name of an image", image);
    }
    return 0;
}
