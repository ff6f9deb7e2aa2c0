/* docker_api.h, images: what one says about its program, and how it comes here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/docker_call.h"

#define PULL_MS_MAX (3600 * 1000)
/* Engines tell progress several times a second, but not while they unpack a large layer. */
#define PULL_SILENCE_MS_MAX (600 * 1000)

/* ---- inspect ---- */

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++) {
        free(*item);
    }
    free(list);
}

void docker_image_deinit(struct docker_image *image)
{
    free_list(image->entrypoint);
    free_list(image->cmd);
    free_list(image->env);
    free(image->user);
    free(image->workdir);
    *image = (struct docker_image){0};
}

/* null and what is no string count as not there; NULL when memory is gone. */
static char **copy_list(const json_t *array)
{
    char **list = calloc(json_array_size(array) + 1, sizeof *list);
    size_t used = 0;

    for (size_t i = 0; list && i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        if (text) {
            list[used] = strdup(text);
            if (!list[used]) {
                free_list(list);
                return NULL;
            }
            used++;
        }
    }
    return list;
}

static char *copy_text(const json_t *value)
{
    const char *text = json_string_value(value);

    return strdup(text ? text : "");
}

int docker_image_inspect(struct docker_api *api, const char *image, struct docker_image *ret_image, struct err *err)
{
    struct docker_image found;
    const json_t *config;
    json_t *answer = NULL;
    char *path = NULL;
    int result;

    if (docker_check_image(image, err) != 0) {
        return -1;
    }
    if (asprintf(&path, "/images/%s/json", image) < 0) {
        path = NULL;
    }
    result = docker_call(api, (struct docker_call){.method = "GET", .path = path}, &answer, err);
    free(path);
    if (result != 0) {
        return -1;
    }
    config = json_object_get(answer, "Config");
    found = (struct docker_image){.entrypoint = copy_list(json_object_get(config, "Entrypoint")),
                                  .cmd = copy_list(json_object_get(config, "Cmd")),
                                  .env = copy_list(json_object_get(config, "Env")),
                                  .user = copy_text(json_object_get(config, "User")),
                                  .workdir = copy_text(json_object_get(config, "WorkingDir"))};
    json_decref(answer);
    if (!found.entrypoint || !found.cmd || !found.env || !found.user || !found.workdir) {
        docker_image_deinit(&found);
        return err_set(err, ERR_EXHAUSTED, "no memory for what an image says");
    }
    *ret_image = found;
    return 0;
}

/* ---- pull ---- */

/* The answer is a stream of objects, one a line; a failure comes as one of them, after status 200. */
struct pull {
    void (*progress)(void *context, const char *status);
    void *context;
    bool failed;
    struct err *err;
};

static bool take_pull_line(void *context, struct span line)
{
    struct pull *pull = context;
    json_t *object = json_loadb(line.data, line.size, 0, NULL);
    const char *error = json_string_value(json_object_get(object, "error"));
    const char *status = json_string_value(json_object_get(object, "status"));

    if (error) {
        pull->failed = true;
        err_set(pull->err, ERR_NOT_FOUND, "Docker: %s", error);
    } else if (status && pull->progress) {
        pull->progress(pull->context, status);
    }
    json_decref(object);
    return !pull->failed;
}

static bool has_tag(const char *image)
{
    const char *slash = strrchr(image, '/');

    return strpbrk(slash ? slash : image, ":@") != NULL;
}

int docker_image_pull(struct docker_api *api, const char *image, const char *registry_auth,
                      void (*progress)(void *context, const char *status), void *context, struct err *err)
{
    struct pull pull = {.progress = progress, .context = context, .err = err};
    struct docker_call call = {.method = "POST",
                               .registry_auth = registry_auth,
                               .timeout_ms = PULL_MS_MAX,
                               .silence_ms_max = PULL_SILENCE_MS_MAX,
                               .line = take_pull_line,
                               .line_context = &pull};
    char *name, *path = NULL;
    int result;

    if (docker_check_image(image, err) != 0) {
        return -1;
    }
    name = docker_escape(image);
    /* Without a tag the engine would pull all of them. */
    if (name && asprintf(&path, "/images/create?fromImage=%s%s", name, has_tag(image) ? "" : "&tag=latest") < 0) {
        path = NULL;
    }
    call.path = path;
    result = docker_call(api, call, NULL, err);
    free(name);
    free(path);
    return result != 0 || pull.failed ? -1 : 0;
}
