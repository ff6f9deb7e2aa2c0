#include "executor/docker_http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS_MAX 5000
/* A host name has to stand in the URL; the socket decides. */
#define URL_HEAD "http://docker"
#define LINE_BYTES_MAX (1024 * 1024)

struct docker_http {
    CURL *curl;
    struct curl_slist *headers;
    struct curl_slist *auth_headers; /* of the request under way, before those; NULL: none */
    char *socket_path;
    bool (*cancelled)(void *context);
    void *cancel_context;

    /* Of the request under way. */
    const struct docker_request *request;
    struct docker_response response;
    bool is_too_long, has_enough;
    char curl_text[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_NOTHING);
}

/* ---- what arrives ---- */

/* Hands whole lines out; what follows the last newline stays. */
static void take_lines(struct docker_http *http)
{
    struct docker_response *response = &http->response;
    char *at = response->body, *end = response->body + response->body_bytes, *newline;

    while (!http->has_enough && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        http->has_enough = !http->request->line(http->request->line_context, span_make(at, (size_t)(newline - at)));
        at = newline + 1;
    }
    response->body_bytes = (size_t)(end - at);
    memmove(response->body, at, response->body_bytes);
}

static bool is_streamed(struct docker_http *http)
{
    long status = 0;

    return http->request->line && curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
           status / 100 == 2;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct docker_http *http = context;
    struct docker_response *response = &http->response;
    bool streamed = is_streamed(http);
    size_t limit = streamed ? LINE_BYTES_MAX : http->request->body_bytes_max;
    char *grown;

    size *= count;
    if (size > limit || response->body_bytes > limit - size) {
        http->is_too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    grown = realloc(response->body, response->body_bytes + size + 1);
    if (!grown) {
        return CURL_WRITEFUNC_ERROR;
    }
    response->body = grown;
    memcpy(response->body + response->body_bytes, bytes, size);
    response->body_bytes += size;
    response->body[response->body_bytes] = '\0';
    if (streamed) {
        take_lines(http);
    }
    return http->has_enough ? CURL_WRITEFUNC_ERROR : size;
}

/* The value of a header of that name, without blanks around it; empty when it is another. */
static struct span header_value(struct span line, const char *name)
{
    size_t length = strlen(name);

    if (line.size <= length || strncasecmp(line.data, name, length) != 0 || line.data[length] != ':') {
        return span_make(NULL, 0);
    }
    line = span_skip(line, length + 1);
    while (line.size > 0 && line.data[0] == ' ') {
        line = span_skip(line, 1);
    }
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r')) {
        line.size--;
    }
    return line;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct docker_http *http = context;
    struct docker_response *response = &http->response;
    struct span line = span_make(bytes, size * count), value = header_value(line, "Api-Version");

    if (value.size > 0 && value.size < sizeof response->api_version) {
        (void)snprintf(response->api_version, sizeof response->api_version, "%.*s", SPAN_FORMAT(value));
    }
    response->is_libpod = response->is_libpod || header_value(line, "Libpod-Api-Version").size > 0;
    return size * count;
}

static int look_up_cancel(void *context, curl_off_t down_max, curl_off_t down, curl_off_t up_max, curl_off_t up)
{
    struct docker_http *http = context;

    (void)down_max;
    (void)down;
    (void)up_max;
    (void)up;
    return http->cancelled && http->cancelled(http->cancel_context) ? 1 : 0;
}

/* ---- one request ---- */

static bool set_request(struct docker_http *http, const char *url)
{
    const struct docker_request *request = http->request;
    CURL *curl = http->curl;
    bool has_body = strcmp(request->method, "POST") == 0 || request->body;
    long silence_s = (long)((request->silence_ms_max + 999) / 1000);

    curl_easy_reset(curl);
    http->curl_text[0] = '\0';
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, http->socket_path) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->auth_headers ? http->auth_headers : http->headers) ==
               CURLE_OK &&
           (!has_body || curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "") == CURLE_OK) &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, silence_s > 0 ? 1L : 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, silence_s) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up_cancel) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->curl_text) == CURLE_OK;
}

static int explain(const struct docker_http *http, CURLcode code, struct err *err)
{
    const struct docker_request *request = http->request;
    const char *text = http->curl_text[0] ? http->curl_text : curl_easy_strerror(code);

    if (http->is_too_long) {
        return err_set(err, ERR_EXHAUSTED, "the Docker engine's answer to %s %.200s is too long", request->method,
                       request->path);
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_DEADLINE, "the Docker engine at %s did not answer %s %.200s in time", http->socket_path,
                       request->method, request->path);
    case CURLE_ABORTED_BY_CALLBACK:
        return err_set(err, ERR_PRECONDITION, "%s %.200s was given up before the Docker engine had answered",
                       request->method, request->path);
    case CURLE_OUT_OF_MEMORY:
    case CURLE_WRITE_ERROR:
        return err_set(err, ERR_EXHAUSTED, "no memory for the Docker engine's answer");
    default:
        return err_set(err, ERR_UNAVAILABLE, "cannot reach the Docker engine at %s: %s", http->socket_path, text);
    }
}

/* A list of its own, since headers live as long as the handle. */
static bool add_auth(struct docker_http *http, const char *registry_auth)
{
    struct curl_slist *longer;
    char *line = NULL;

    if (!registry_auth) {
        return true;
    }
    if (asprintf(&line, "X-Registry-Auth: %s", registry_auth) < 0) {
        return false;
    }
    http->auth_headers = curl_slist_append(NULL, "Content-Type: application/json");
    longer = http->auth_headers ? curl_slist_append(http->auth_headers, line) : NULL;
    free(line);
    return longer != NULL;
}

int docker_http_send(struct docker_http *http, const struct docker_request *request,
                     struct docker_response *ret_response, struct err *err)
{
    CURLcode code = CURLE_OUT_OF_MEMORY;
    char *url = NULL;

    http->request = request;
    http->response = (struct docker_response){.body = calloc(1, 1)};
    http->is_too_long = http->has_enough = false;
    if (http->response.body && asprintf(&url, URL_HEAD "%s", request->path) >= 0 &&
        add_auth(http, request->registry_auth) && set_request(http, url)) {
        code = curl_easy_perform(http->curl);
    }
    free(url);
    curl_slist_free_all(http->auth_headers);
    http->auth_headers = NULL;
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &http->response.status);
    if (code != CURLE_OK && !http->has_enough) {
        docker_response_deinit(&http->response);
        return explain(http, code, err);
    }
    *ret_response = http->response;
    http->response = (struct docker_response){0};
    return 0;
}

void docker_response_deinit(struct docker_response *response)
{
    free(response->body);
    response->body = NULL;
}

/* ---- life ---- */

int docker_http_create(const char *socket_path, bool (*cancelled)(void *context), void *cancel_context,
                       struct docker_http **ret_http, struct err *err)
{
    struct docker_http *http = calloc(1, sizeof *http);

    (void)pthread_once(&curl_once, init_curl);
    if (http) {
        http->cancelled = cancelled;
        http->cancel_context = cancel_context;
        http->socket_path = strdup(socket_path);
        http->headers = curl_slist_append(NULL, "Content-Type: application/json");
        http->curl = curl_ready == CURLE_OK ? curl_easy_init() : NULL;
    }
    if (!http || !http->socket_path || !http->headers || !http->curl) {
        docker_http_destroy(http);
        return err_set(err, ERR_EXHAUSTED, "no memory for a connection to the Docker engine");
    }
    *ret_http = http;
    return 0;
}

void docker_http_destroy(struct docker_http *http)
{
    if (!http) {
        return;
    }
    if (http->curl) {
        curl_easy_cleanup(http->curl);
    }
    curl_slist_free_all(http->headers);
    free(http->socket_path);
    free(http);
}
