/* docker_http: one connection to a Docker engine's unix socket, one request at a time.
 *
 * Used by   docker_api.c alone; nobody else speaks HTTP to an engine.
 * Shape     libcurl over CURLOPT_UNIX_SOCKET_PATH; the connection is kept between requests and made anew when it broke.
 * Owns      the handle and the body being read.
 * Thread    one.      Blocks    docker_http_send, at most request.timeout_ms; less when cancelled says so.
 * Errors    ERR_UNAVAILABLE: nobody answers there, or the connection broke: whether the engine did it is not known.
 *           ERR_DEADLINE, ERR_PRECONDITION (cancelled): likewise. ERR_EXHAUSTED: a body past body_bytes_max, or memory.
 *           An answer is no error, whatever its status.
 * Source    docs/execution.md
 */
#ifndef EXECUTOR_DOCKER_HTTP_H_
#define EXECUTOR_DOCKER_HTTP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct docker_http;

/* One line of a streamed answer, without its newline; false: enough was read, the rest is dropped. */
typedef bool (*docker_line_fn)(void *context, struct span line);

struct docker_request {
    const char *method;
    const char *path;          /* escaped, with its query */
    const char *body;          /* JSON; NULL: none */
    const char *registry_auth; /* X-Registry-Auth; NULL: none */
    int64_t timeout_ms;
    int64_t silence_ms_max; /* without a byte; 0: as long as timeout_ms */
    size_t body_bytes_max;
    docker_line_fn line; /* of an answer 2xx; NULL: the body is kept whole */
    void *line_context;
};

struct docker_response {
    long status;
    char *body; /* NUL terminated; never NULL after a success */
    size_t body_bytes;
    char api_version[16]; /* header Api-Version; "" when there is none */
    bool is_libpod;       /* header Libpod-Api-Version: it is Podman */
};

/* cancelled may be NULL; it is looked at about once a second and whenever something arrives. */
MUST_USE int docker_http_create(const char *socket_path, bool (*cancelled)(void *context), void *cancel_context,
                                struct docker_http **ret_http, struct err *err);
void docker_http_destroy(struct docker_http *http);
MUST_USE int docker_http_send(struct docker_http *http, const struct docker_request *request,
                              struct docker_response *ret_response, struct err *err);
void docker_response_deinit(struct docker_response *response);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_HTTP_H_ */
