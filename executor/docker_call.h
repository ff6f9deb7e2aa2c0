/* docker_call: one call of the Engine API: version, JSON both ways, and the engine's refusals as errors.
 *
 * Used by   docker_api.c, docker_image.c, docker_container.c.
 * Thread, Blocks, Errors  as docker_api.h.
 */
#ifndef EXECUTOR_DOCKER_CALL_H_
#define EXECUTOR_DOCKER_CALL_H_

#include <jansson.h>

#include "executor/docker_api.h"
#include "executor/docker_http.h"

C_DECLS_BEGIN

#define DOCKER_CALL_MS_MAX 30000
/* An inspect has some kilobytes; a list has one for each container. */
#define DOCKER_ANSWER_BYTES_MAX (4 * 1024 * 1024)
#define DOCKER_LIST_BYTES_MAX (64 * 1024 * 1024)

struct docker_call {
    const char *method;
    const char *path;          /* below /v1.NN; escaped, with its query */
    json_t *body;              /* taken over, also by a failure; NULL: none */
    const char *registry_auth; /* NULL: none */
    bool wants_body;           /* false with body NULL; true with body NULL: there was no memory for one */
    int64_t timeout_ms, silence_ms_max;
    size_t answer_bytes_max;
    docker_line_fn line;
    void *line_context;
};

/* *ret_answer, which may be NULL, is the caller's; a JSON null when the answer has no body. */
MUST_USE int docker_call(struct docker_api *api, struct docker_call call, json_t **ret_answer, struct err *err);

/* For a path or a query, to be freed; NULL when memory is gone. */
char *docker_escape(const char *text);
/* An object of strings; NULL when memory is gone. */
json_t *docker_labels(const struct docker_label *labels, size_t label_count);
/* ERR_INVALID for what the name of an image cannot hold and a path should not. */
MUST_USE int docker_check_image(const char *image, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_CALL_H_ */
