#include "executor/docker_launch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/limits.h"
#include "executor/attempt_container.h"
#include "executor/docker_auth.h"
#include "executor/docker_names.h"
#include "executor/worker_thread.h"

#define MOUNT_ATTEMPT "/customjobd/attempt"
#define MOUNT_SUPERVISOR "/customjobd/supervisor"
/* An engine that is started anew answers within seconds. */
#define RETRY_NS_MAX (60 * CLOCK_NS_PER_S)
#define RETRY_MS 200
#define BEGIN_NS_MAX (30 * CLOCK_NS_PER_S)
#define BEGIN_LOOK_MS_MAX 50
#define PULL_NEWS_NS (10 * CLOCK_NS_PER_S)
#define INSPECT_NS (200 * CLOCK_NS_PER_MS)

static int give_up_if_cancelled(const struct docker_launch *launch, struct err *err)
{
    return launch->cancelled(launch->context) ? err_set(err, ERR_PRECONDITION, "it was stopped before that") : 0;
}

static void wait_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* ---- the image ---- */

static void note(const struct docker_launch *launch, const char *verb)
{
    char line[512];

    (void)snprintf(line, sizeof line, "%s the image %.300s", verb, launch->task->image_uri);
    launch->note(launch->context, line);
}

/* Layers that came, every few seconds: a large image takes minutes, and nobody should think that it hangs. */
struct pull_news {
    struct docker_launch *launch;
    unsigned done;
    int64_t told_mono_ns;
};

static void tell_progress(void *context, const char *status)
{
    struct pull_news *news = context;
    int64_t now = worker_now_mono_ns();
    char line[64];

    news->done += strcmp(status, "Pull complete") == 0 ? 1 : 0;
    if (news->done == 0 || now - news->told_mono_ns < PULL_NEWS_NS) {
        return;
    }
    news->told_mono_ns = now;
    (void)snprintf(line, sizeof line, "pulling: %u layers are here", news->done);
    note(news->launch, line);
}

static int pull(struct docker_launch *launch, struct docker_api *api, const char *name, struct err *err)
{
    struct pull_news news = {.launch = launch, .told_mono_ns = worker_now_mono_ns()};
    char *auth = NULL;
    int result;

    if (docker_auth_header(launch->config->docker_auths, name, &auth, err) != 0) {
        return -1;
    }
    result = docker_image_pull(api, name, auth, tell_progress, &news, err);
    free(auth);
    return result;
}

static int find_image(struct docker_launch *launch, struct docker_api *api, struct docker_image *ret_image,
                      struct err *err)
{
    const char *name = launch->task->image_uri;

    if (!name) {
        return err_set(err, ERR_INVALID, "the task names no image");
    }
    if (docker_image_inspect(api, name, ret_image, err) == 0) {
        return 0;
    }
    if (err->code != ERR_NOT_FOUND) {
        return -1;
    }
    *err = (struct err)ERR_INIT;
    note(launch, "pulling");
    if (pull(launch, api, name, err) != 0) {
        err->code = err->code == ERR_IO ? ERR_NOT_FOUND : err->code; /* a registry's word, whatever its number */
        return err_wrap(err, "the image %.300s could not be pulled", name);
    }
    note(launch, "pulled");
    return docker_image_inspect(api, name, ret_image, err);
}

/* ---- removal ---- */

/* A container of that name. One that another server made is left alone: then *ret_is_foreign. */
static int remove_own(const struct process_config *config, struct docker_api *api, const char *container,
                      bool *ret_is_foreign, struct err *err)
{
    struct docker_container found;

    *ret_is_foreign = false;
    if (docker_container_inspect(api, container, DOCKER_LABEL_HOME, &found, err) != 0) {
        if (err->code != ERR_NOT_FOUND) {
            return -1;
        }
        *err = (struct err)ERR_INIT;
        return 0;
    }
    *ret_is_foreign = !span_equal(span_of(found.label), span_of(config->attempts_dir));
    docker_container_deinit(&found);
    return *ret_is_foreign ? 0 : docker_container_remove(api, container, err);
}

/* One that was never launched: of a server that was killed, or of a call whose answer got lost. */
static int remove_old(const struct docker_launch *launch, struct docker_api *api, const char *container,
                      struct err *err)
{
    bool is_foreign;

    if (remove_own(launch->config, api, container, &is_foreign, err) != 0) {
        return -1;
    }
    return is_foreign ? err_set(err, ERR_INVALID, "there is a container %s, which another server made", container) : 0;
}

/* ---- the container ---- */

/* Half of the memory, as a host gives to /dev/shm. */
static uint64_t shm_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

    return pages > 0 && page_bytes > 0 ? (uint64_t)pages / 2 * (uint64_t)page_bytes : 64 * 1024 * 1024;
}

static int create(const struct docker_launch *launch, struct docker_api *api, const char *container, struct err *err)
{
    static const char *const entrypoint[] = {MOUNT_SUPERVISOR, MOUNT_ATTEMPT, NULL};
    const struct process_config *config = launch->config;
    char path[ATTEMPT_PATH_BYTES], network[DOCKER_NETWORK_BYTES], network_id[DOCKER_ID_BYTES], host[DOCKER_HOST_BYTES];
    char *dir = NULL;
    struct docker_names names;
    int result;

    attempt_path(&launch->key, path);
    docker_names_init(&names, config->attempts_dir, launch->key.job_id);
    docker_network_name(launch->key.job_id, network);
    docker_host_name(&launch->key, host);
    if (asprintf(&dir, "%s/%s", config->attempts_dir, path) < 0) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a path");
    }
    struct docker_bind binds[3 + LIMIT_TASK_MOUNTS] = {{dir, MOUNT_ATTEMPT, false},
                                                       {config->supervisor_path, MOUNT_SUPERVISOR, true}};
    size_t bind_count = 2;

    if (config->buckets_dir) {
        binds[bind_count++] = (struct docker_bind){config->buckets_dir, ATTEMPT_CONTAINER_BUCKETS, false};
    }
    for (size_t i = 0; i < launch->task->mount_count && i < LIMIT_TASK_MOUNTS; i++) {
        binds[bind_count++] =
            (struct docker_bind){launch->task->mounts[i].source, launch->task->mounts[i].target, false};
    }
    struct docker_container_spec spec = {.name = container,
                                         .image = launch->task->image_uri,
                                         .entrypoint = entrypoint,
                                         .user = "0:0",
                                         .hostname = host,
                                         .network = network_id,
                                         .binds = binds,
                                         .bind_count = bind_count,
                                         .labels = names.labels,
                                         .label_count = DOCKER_LABEL_COUNT,
                                         .shm_bytes = shm_bytes(),
                                         .limits = launch->task->limits};

    result = docker_network_ensure(api, network, names.labels, DOCKER_LABEL_COUNT, network_id, err);
    if (result == 0) {
        FAULT_POINT("docker.network");
        result = docker_container_create(api, &spec, err);
        FAULT_POINT("docker.created");
    }
    free(dir);
    return result;
}

/* True in *ret_launched: this attempt was launched before; nothing more is to be done. */
static int make(const struct docker_launch *launch, struct docker_api *api, int dir_fd,
                const struct docker_image *image, bool *ret_launched, struct err *err)
{
    char container[EXECUTION_KEY_BYTES], host[DOCKER_HOST_BYTES];

    execution_key_format(&launch->key, container);
    docker_host_name(&launch->key, host);
    for (int tries = 0;; tries++) {
        struct supervisor_history history;
        enum attempt_finding finding;

        if (attempt_examine(dir_fd, &finding, &history, err) != 0) {
            return -1;
        }
        *ret_launched = finding != ATTEMPT_VOID;
        if (*ret_launched) {
            return 0;
        }
        if (attempt_container_fill(launch->config, dir_fd, launch->task, launch->module_argv, image, host, err) != 0) {
            return -1;
        }
        if (create(launch, api, container, err) == 0) {
            return 0;
        }
        if (err->code != ERR_EXISTS || tries == 1) {
            return -1;
        }
        *err = (struct err)ERR_INIT;
        if (remove_old(launch, api, container, err) != 0) {
            return -1;
        }
    }
}

/* ---- the launch ---- */

static bool has_launch(int dir_fd)
{
    struct supervisor_history history;
    struct err ignored = ERR_INIT;

    return attempt_read_history(dir_fd, &history, &ignored) == 0 && (history.has_launch || history.unreadable);
}

/* 0: nothing to say, it runs. */
static int look_at_container(struct docker_api *api, const char *container, struct err *err)
{
    struct docker_container found;
    int result = 0;

    if (docker_container_inspect(api, container, DOCKER_LABEL_HOME, &found, err) != 0) {
        return -1;
    }
    if (!found.is_running) {
        result = err_set(err, ERR_IO, "its supervisor ended with code %d before that%s%s", found.exit_code,
                         found.start_error[0] ? ": " : "", found.start_error);
    }
    docker_container_deinit(&found);
    return result;
}

static int wait_for_launch(const struct docker_launch *launch, struct docker_api *api, int dir_fd,
                           const char *container, struct err *err)
{
    int64_t start = worker_now_mono_ns(), inspect_at = start + INSPECT_NS, now = start;

    for (int ms = 1; !has_launch(dir_fd); ms = 2 * ms < BEGIN_LOOK_MS_MAX ? 2 * ms : BEGIN_LOOK_MS_MAX) {
        if (now - start > BEGIN_NS_MAX) {
            return err_set(err, ERR_IO, "its supervisor did not begin within %d s",
                           (int)(BEGIN_NS_MAX / CLOCK_NS_PER_S));
        }
        if (give_up_if_cancelled(launch, err) != 0) {
            return -1;
        }
        if (now >= inspect_at) {
            inspect_at = now + INSPECT_NS;
            if (look_at_container(api, container, err) != 0) {
                return has_launch(dir_fd) ? 0 : -1;
            }
        }
        wait_ms(ms);
        now = worker_now_mono_ns();
    }
    return 0;
}

static int start(struct docker_launch *launch, struct docker_api *api, int dir_fd, struct err *err)
{
    char container[EXECUTION_KEY_BYTES];

    execution_key_format(&launch->key, container);
    if (give_up_if_cancelled(launch, err) != 0) {
        return -1;
    }
    launch->is_started = true;
    if (docker_container_start(api, container, err) != 0) {
        return has_launch(dir_fd) ? 0 : -1;
    }
    FAULT_POINT("docker.started");
    return wait_for_launch(launch, api, dir_fd, container, err);
}

static int try(struct docker_launch *launch, struct docker_api *api, int dir_fd, struct err *err)
{
    struct docker_image image;
    bool launched = false;
    int result;

    if (give_up_if_cancelled(launch, err) != 0 || find_image(launch, api, &image, err) != 0) {
        return -1;
    }
    result = make(launch, api, dir_fd, &image, &launched, err);
    docker_image_deinit(&image);
    return result != 0 || launched ? result : start(launch, api, dir_fd, err);
}

int docker_launch_run(struct docker_launch *launch, struct docker_api *api, struct err *err)
{
    int64_t until = worker_now_mono_ns() + RETRY_NS_MAX;
    int dir_fd = -1, result;

    if (attempt_open(launch->config->attempts_fd, &launch->key, &dir_fd, err) != 0) {
        return -1;
    }
    if (dir_fd < 0) {
        return err_set(err, ERR_IO, "its files were taken away");
    }
    while ((result = try(launch, api, dir_fd, err)) != 0) {
        if (err->code != ERR_UNAVAILABLE || worker_now_mono_ns() >= until || launch->cancelled(launch->context)) {
            break;
        }
        *err = (struct err)ERR_INIT;
        launch->is_started = false;
        wait_ms(RETRY_MS);
    }
    close(dir_fd);
    return result;
}

bool docker_launch_is_job_fault(const struct err *err)
{
    return err->code == ERR_NOT_FOUND || err->code == ERR_INVALID || err->code == ERR_DENIED;
}

/* ---- the end ---- */

static void count(void *context, const char *name, bool is_running)
{
    (void)name;
    (void)is_running;
    *(size_t *)context += 1;
}

int docker_launch_clear(const struct process_config *config, struct docker_api *api, const struct execution_key *key,
                        struct err *err)
{
    char container[EXECUTION_KEY_BYTES], network[DOCKER_NETWORK_BYTES];
    struct docker_names names;
    size_t others = 0;
    bool is_foreign;

    execution_key_format(key, container);
    docker_network_name(key->job_id, network);
    docker_names_init(&names, config->attempts_dir, key->job_id);
    if (remove_own(config, api, container, &is_foreign, err) != 0) {
        return -1;
    }
    FAULT_POINT("docker.removed");
    if (docker_containers_list(api, &names.labels[1], count, &others, err) != 0) {
        return -1;
    }
    return others > 0 ? 0 : docker_network_remove(api, network, err);
}
