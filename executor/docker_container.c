/* docker_api.h, containers and networks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/docker_call.h"

/* To be freed; NULL when memory is gone, which docker_call tells. The name is escaped. */
static char *path_of(const char *head, const char *name, const char *tail)
{
    char *escaped = docker_escape(name), *path = NULL;

    if (!escaped || asprintf(&path, "%s%s%s", head, escaped, tail) < 0) {
        path = NULL;
    }
    free(escaped);
    return path;
}

static int call_path(struct docker_api *api, const char *method, char *path, json_t **ret_answer, struct err *err)
{
    int result = docker_call(
        api, (struct docker_call){.method = method, .path = path, .answer_bytes_max = DOCKER_LIST_BYTES_MAX},
        ret_answer, err);

    free(path);
    return result;
}

/* What was to go and is not there has gone. */
static int forgive(int result, enum err_code code, struct err *err)
{
    if (result != 0 && err->code == code) {
        *err = (struct err)ERR_INIT;
        return 0;
    }
    return result;
}

/* ---- networks ---- */

static bool is_network_of(const json_t *network, const char *name)
{
    const char *found = json_string_value(json_object_get(network, "Name"));

    return found && strcmp(found, name) == 0;
}

/* The networks of that name, to be released; a filter by name finds parts of names. */
static int networks_named(struct docker_api *api, const char *name, json_t **ret_networks, struct err *err)
{
    json_t *networks = NULL;

    if (call_path(api, "GET", path_of("/networks?filters=%7B%22name%22%3A%5B%22", name, "%22%5D%7D"), &networks, err) !=
        0) {
        return -1;
    }
    for (size_t i = json_array_size(networks); i > 0; i--) {
        if (!is_network_of(json_array_get(networks, i - 1), name)) {
            json_array_remove(networks, i - 1);
        }
    }
    *ret_networks = networks;
    return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* Engines before 25 make two of one name when they are asked twice, and what a killed server has asked for may come after
 * its successor looked. The one that was made first counts; its id is what others are told apart by. */
static const json_t *first_made(const json_t *networks)
{
    const json_t *first = NULL;

    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        int order = first ? strcmp(text_of(network, "Created"), text_of(first, "Created")) : -1;

        if (order < 0 || (order == 0 && strcmp(text_of(network, "Id"), text_of(first, "Id")) < 0)) {
            first = network;
        }
    }
    return first;
}

static int remove_by_id(struct docker_api *api, const json_t *network, struct err *err)
{
    return forgive(call_path(api, "DELETE", path_of("/networks/", text_of(network, "Id"), ""), NULL, err),
                   ERR_NOT_FOUND, err);
}

/* *ret_found false: there is none. Those that were made later go, if nobody is on them. */
static int find_network(struct docker_api *api, const char *name, bool *ret_found, char id[DOCKER_ID_BYTES],
                        struct err *err)
{
    struct err ignored = ERR_INIT;
    json_t *networks;
    const json_t *first;

    if (networks_named(api, name, &networks, err) != 0) {
        return -1;
    }
    first = first_made(networks);
    *ret_found = first != NULL;
    if (first) {
        (void)snprintf(id, DOCKER_ID_BYTES, "%s", text_of(first, "Id"));
    }
    for (size_t i = 0; i < json_array_size(networks); i++) {
        if (json_array_get(networks, i) != first) {
            (void)remove_by_id(api, json_array_get(networks, i), &ignored);
        }
    }
    json_decref(networks);
    return 0;
}

int docker_network_ensure(struct docker_api *api, const char *name, const struct docker_label *labels,
                          size_t label_count, char ret_id[DOCKER_ID_BYTES], struct err *err)
{
    struct docker_call call = {.method = "POST", .path = "/networks/create", .wants_body = true};
    bool found = false;

    if (find_network(api, name, &found, ret_id, err) != 0) {
        return -1;
    }
    if (found) {
        return 0;
    }
    call.body = json_pack("{s:s, s:b, s:s, s:o}", "Name", name, "CheckDuplicate", 1, "Driver", "bridge", "Labels",
                          docker_labels(labels, label_count));
    if (forgive(docker_call(api, call, NULL, err), ERR_EXISTS, err) != 0 ||
        find_network(api, name, &found, ret_id, err) != 0) {
        return -1;
    }
    return found ? 0 : err_set(err, ERR_IO, "the network %s was made and is not there", name);
}

int docker_network_remove(struct docker_api *api, const char *name, struct err *err)
{
    json_t *networks;
    int result = 0;

    if (networks_named(api, name, &networks, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(networks) && result == 0; i++) {
        result = remove_by_id(api, json_array_get(networks, i), err);
    }
    json_decref(networks);
    return result;
}

/* ---- containers ---- */

/* In the form that takes any path: "Binds" would stumble over a colon. */
static json_t *mounts_of(const struct docker_container_spec *spec)
{
    json_t *mounts = json_array();

    for (size_t i = 0; i < spec->bind_count; i++) {
        const struct docker_bind *bind = &spec->binds[i];

        if (json_array_append_new(mounts, json_pack("{s:s, s:s, s:s, s:b}", "Type", "bind", "Source", bind->source,
                                                    "Target", bind->target, "ReadOnly", bind->read_only)) != 0) {
            json_decref(mounts);
            return NULL;
        }
    }
    return mounts;
}

static json_t *entrypoint_of(const struct docker_container_spec *spec)
{
    json_t *entrypoint = json_array();

    for (const char *const *word = spec->entrypoint; *word; word++) {
        if (json_array_append_new(entrypoint, json_string(*word)) != 0) {
            json_decref(entrypoint);
            return NULL;
        }
    }
    return entrypoint;
}

/* NVIDIA's devices by their ids; an engine without its runtime says so. */
static json_t *device_requests_of(const struct docker_container_spec *spec)
{
    const char *devices = spec->limits.devices ? spec->limits.devices : "";
    json_t *ids = json_array();

    while (*devices) {
        size_t length = strcspn(devices, ",");

        if (json_array_append_new(ids, json_stringn(devices, length)) != 0) {
            json_decref(ids);
            return NULL;
        }
        devices += length + (devices[length] == ',');
    }
    if (json_array_size(ids) == 0) {
        return ids;
    }
    return json_pack("[{s:s, s:o, s:[[s]]}]", "Driver", "nvidia", "DeviceIDs", ids, "Capabilities", "gpu");
}

/* 0 is no limit, to the engine too. With its memory a replica is given no swap. */
static json_t *host_config_of(const struct docker_container_spec *spec)
{
    const struct task_limits *limits = &spec->limits;

    return json_pack("{s:o, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:{s:s}, s:{s:s}}", "Mounts", mounts_of(spec),
                     "NetworkMode", spec->network, "Init", 0, "ShmSize", (json_int_t)spec->shm_bytes, "NanoCpus",
                     (json_int_t)(limits->cpus_milli * 1000000), "Memory", (json_int_t)limits->memory_bytes,
                     "MemorySwap", (json_int_t)limits->memory_bytes, "PidsLimit", (json_int_t)limits->pids,
                     "DeviceRequests", device_requests_of(spec), "RestartPolicy", "Name", "no", "LogConfig", "Type",
                     "none");
}

int docker_container_create(struct docker_api *api, const struct docker_container_spec *spec, struct err *err)
{
    struct docker_call call = {.method = "POST", .wants_body = true};
    char *path = path_of("/containers/create?name=", spec->name, "");
    int result;

    call.path = path;
    call.body = json_pack("{s:s, s:s, s:s, s:o, s:[], s:o, s:s, s:{s:[s]}, s:o, s:{s:{s:{s:[s]}}}}", "Image",
                          spec->image, "User", spec->user, "Hostname", spec->hostname, "Entrypoint",
                          entrypoint_of(spec), "Cmd", "Labels", docker_labels(spec->labels, spec->label_count),
                          "StopSignal", "SIGTERM", "Healthcheck", "Test", "NONE", "HostConfig", host_config_of(spec),
                          "NetworkingConfig", "EndpointsConfig", spec->network, "Aliases", spec->hostname);
    result = docker_call(api, call, NULL, err);
    free(path);
    return result;
}

int docker_container_start(struct docker_api *api, const char *name, struct err *err)
{
    return call_path(api, "POST", path_of("/containers/", name, "/start"), NULL, err);
}

int docker_container_remove(struct docker_api *api, const char *name, struct err *err)
{
    return forgive(call_path(api, "DELETE", path_of("/containers/", name, "?v=1&force=1"), NULL, err), ERR_NOT_FOUND,
                   err);
}

static bool may_run(const char *status)
{
    return !status || (strcmp(status, "created") != 0 && strcmp(status, "exited") != 0 && strcmp(status, "dead") != 0);
}

int docker_container_inspect(struct docker_api *api, const char *name, const char *label,
                             struct docker_container *ret_container, struct err *err)
{
    struct docker_container found;
    const json_t *state, *labels;
    const char *error, *value;
    json_t *answer = NULL;

    if (call_path(api, "GET", path_of("/containers/", name, "/json"), &answer, err) != 0) {
        return -1;
    }
    state = json_object_get(answer, "State");
    labels = json_object_get(json_object_get(answer, "Config"), "Labels");
    error = json_string_value(json_object_get(state, "Error"));
    value = json_string_value(json_object_get(labels, label));
    found = (struct docker_container){.is_running = may_run(json_string_value(json_object_get(state, "Status"))),
                                      .label = strdup(value ? value : ""),
                                      .exit_code = (int)json_integer_value(json_object_get(state, "ExitCode")),
                                      .start_error = strdup(error ? error : "")};
    json_decref(answer);
    if (!found.label || !found.start_error) {
        docker_container_deinit(&found);
        return err_set(err, ERR_EXHAUSTED, "no memory for what a container says");
    }
    *ret_container = found;
    return 0;
}

void docker_container_deinit(struct docker_container *container)
{
    free(container->label);
    free(container->start_error);
    *container = (struct docker_container){0};
}

/* ---- what there is ---- */

static char *filtered(const char *head, const struct docker_label *label)
{
    char *wish = NULL, *text = NULL, *path = NULL;
    json_t *filters;

    if (asprintf(&wish, "%s=%s", label->name, label->value) < 0) {
        return NULL;
    }
    filters = json_pack("{s:[s]}", "label", wish);
    text = filters ? json_dumps(filters, JSON_COMPACT) : NULL;
    path = text ? path_of(head, text, "") : NULL;
    json_decref(filters);
    free(text);
    free(wish);
    return path;
}

int docker_containers_list(struct docker_api *api, const struct docker_label *label, docker_listed_fn listed,
                           void *context, struct err *err)
{
    json_t *answer = NULL;

    if (call_path(api, "GET", filtered("/containers/json?all=1&filters=", label), &answer, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(answer); i++) {
        const json_t *item = json_array_get(answer, i);
        const char *name = json_string_value(json_array_get(json_object_get(item, "Names"), 0));

        if (name) {
            listed(context, name[0] == '/' ? name + 1 : name,
                   may_run(json_string_value(json_object_get(item, "State"))));
        }
    }
    json_decref(answer);
    return 0;
}

int docker_networks_list(struct docker_api *api, const struct docker_label *label, docker_listed_fn listed,
                         void *context, struct err *err)
{
    json_t *answer = NULL;

    if (call_path(api, "GET", filtered("/networks?filters=", label), &answer, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(answer); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(answer, i), "Name"));

        if (name) {
            listed(context, name, false);
        }
    }
    json_decref(answer);
    return 0;
}
