/* docker_api: the part of the Docker Engine API that runs replicas, call by call.
 *
 * Used by   what runs replicas in containers; one each thread.
 * Shape     each function is one request or few; names are made by the caller, so that a repeated create is found out.
 *           The version spoken is the engine's own, at most DOCKER_API_VERSION_MAX, and asked for again after every
 *           failure to reach it: the engine may have been replaced.
 * Units     milliseconds, bytes.
 * Owns      the connection. What it returns is the caller's to deinit.
 * Thread    one.      Blocks    every call, at most half a minute; a pull at most an hour, or until cancelled.
 * Errors    the engine's own sentence, under ERR_NOT_FOUND (404), ERR_EXISTS (409), ERR_INVALID (400), ERR_DENIED (401,
 *           403), ERR_IO (all else); and those of docker_http.h, after which it is not known whether it was done.
 *           ERR_UNSUPPORTED: an engine too old, or Podman.
 * Source    docs/execution.md; docs.docker.com/engine/api.
 */
#ifndef EXECUTOR_DOCKER_API_H_
#define EXECUTOR_DOCKER_API_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "executor/executor.h"

C_DECLS_BEGIN

/* Of Engine 20.10; older ones are refused. */
#define DOCKER_API_MINOR_MIN 41
#define DOCKER_API_MINOR_MAX 47

struct docker_api;

/* Reaches nobody yet. cancelled may be NULL. */
MUST_USE int docker_api_create(const char *socket_path, bool (*cancelled)(void *context), void *cancel_context,
                               struct docker_api **ret_api, struct err *err);
void docker_api_destroy(struct docker_api *api);

/* Whether an engine that can be used answers; *ret_minor, which may be NULL, is the version spoken, 1.minor. */
MUST_USE int docker_api_ping(struct docker_api *api, int *ret_minor, struct err *err);

/* ---- images ---- */

/* What an image says about its program; lists are NULL terminated and never NULL. */
struct docker_image {
    char **entrypoint;
    char **cmd;
    char **env;    /* NAME=value */
    char *user;    /* as in USER; "" for root */
    char *workdir; /* "" for / */
};

MUST_USE int docker_image_inspect(struct docker_api *api, const char *image, struct docker_image *ret_image,
                                  struct err *err);
void docker_image_deinit(struct docker_image *image);
/* Without a tag "latest". registry_auth: of docker_auth.h; may be NULL. progress may be NULL; its texts are the engine's, such as "Downloading". */
MUST_USE int docker_image_pull(struct docker_api *api, const char *image, const char *registry_auth,
                               void (*progress)(void *context, const char *status), void *context, struct err *err);

/* ---- networks ---- */

struct docker_label {
    const char *name;
    const char *value;
};

#define DOCKER_ID_BYTES 72

/* A bridge of that name; one that is there already will do. Names may be ambiguous, ids are not. */
MUST_USE int docker_network_ensure(struct docker_api *api, const char *name, const struct docker_label *labels,
                                   size_t label_count, char ret_id[DOCKER_ID_BYTES], struct err *err);
/* All of that name; none will do. ERR_DENIED while containers are on one. */
MUST_USE int docker_network_remove(struct docker_api *api, const char *name, struct err *err);

/* ---- containers ---- */

struct docker_bind {
    const char *source; /* absolute, of the host */
    const char *target; /* absolute, of the container */
    bool read_only;
};

struct docker_container_spec {
    const char *name;
    const char *image;
    const char *const *entrypoint; /* NULL terminated; there is no CMD */
    const char *user;
    const char *hostname; /* and its alias on the network */
    const char *network;  /* its id */
    const struct docker_bind *binds;
    size_t bind_count;
    const struct docker_label *labels;
    size_t label_count;
    uint64_t shm_bytes;
    struct task_limits limits;
};

/* Without logs, restarts, health checks and an init of the engine's: the entrypoint sees to all of these. */
MUST_USE int docker_container_create(struct docker_api *api, const struct docker_container_spec *spec, struct err *err);
/* One that runs already will do. */
MUST_USE int docker_container_start(struct docker_api *api, const char *name, struct err *err);
/* Kills it if it runs. One that is not there will do. */
MUST_USE int docker_container_remove(struct docker_api *api, const char *name, struct err *err);

struct docker_container {
    bool is_running;   /* or paused, or on its way up or down: not known to have ended */
    char *label;       /* value of the label asked for; "" when it has none */
    int exit_code;     /* when it does not run */
    char *start_error; /* why it could not be started; "" */
};

MUST_USE int docker_container_inspect(struct docker_api *api, const char *name, const char *label,
                                      struct docker_container *ret_container, struct err *err);
void docker_container_deinit(struct docker_container *container);

/* ---- what there is ---- */

typedef void (*docker_listed_fn)(void *context, const char *name, bool is_running);

/* Every container with that label of that value, in no order. */
MUST_USE int docker_containers_list(struct docker_api *api, const struct docker_label *label, docker_listed_fn listed,
                                    void *context, struct err *err);
/* Likewise networks; is_running is false. */
MUST_USE int docker_networks_list(struct docker_api *api, const struct docker_label *label, docker_listed_fn listed,
                                  void *context, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_API_H_ */
