#include "executor/attempt_container.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "executor/attempt_text.h"

/* What Docker gives a container whose image sets none. */
#define PLAIN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define BUCKETS_VARIABLE "CUSTOMJOBD_BUCKETS"

static bool is_passed(const struct process_config *config, const char *name)
{
    for (char **entry = config->passed_env; *entry; entry++) {
        if (attempt_text_is_entry_of(*entry, name)) {
            return true;
        }
    }
    return false;
}

static bool image_names(const struct docker_image *image, const char *name)
{
    for (char **entry = image->env; *entry; entry++) {
        if (attempt_text_is_entry_of(*entry, name)) {
            return true;
        }
    }
    return false;
}

static void put_image_env(struct attempt_text *text, const struct process_config *config, const struct task *task,
                          const struct docker_image *image)
{
    for (char **entry = image->env; *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        char name[LIMIT_ENV_NAME_BYTES];

        if (length == 0 || length >= sizeof name || attempt_text_is_entry_of(*entry, ATTEMPT_VARIABLE) ||
            attempt_text_task_names(task, *entry, length)) {
            continue;
        }
        memcpy(name, *entry, length);
        name[length] = '\0';
        if (!is_passed(config, name)) {
            attempt_text_string(text, *entry);
        }
    }
}

static void put_default(struct attempt_text *text, const struct process_config *config, const struct task *task,
                        const struct docker_image *image, const char *name, const char *value)
{
    if (!attempt_text_task_names(task, name, strlen(name)) && !is_passed(config, name) && !image_names(image, name)) {
        attempt_text_variable(text, name, value);
    }
}

static int write_env(const struct process_config *config, int dir_fd, const struct task *task,
                     const struct docker_image *image, const char *hostname, struct err *err)
{
    struct attempt_text text;

    if (attempt_text_begin(&text, err) != 0) {
        return -1;
    }
    attempt_text_given_env(&text, config, task);
    put_image_env(&text, config, task, image);
    put_default(&text, config, task, image, "PATH", PLAIN_PATH);
    put_default(&text, config, task, image, "HOSTNAME", hostname);
    if (config->buckets_dir) {
        put_default(&text, config, task, image, BUCKETS_VARIABLE, ATTEMPT_CONTAINER_BUCKETS);
    }
    return attempt_text_write(&text, dir_fd, SUPERVISOR_FILE_ENV, err);
}

static void put_list(struct attempt_text *text, const char *const *list)
{
    for (; *list; list++) {
        attempt_text_string(text, *list);
    }
}

static int write_image_argv(int dir_fd, const struct task *task, const struct docker_image *image, struct err *err)
{
    const char *const *entrypoint = (const char *const *)image->entrypoint;
    const char *const *arguments = task->argv[0] ? task->argv : (const char *const *)image->cmd;
    struct attempt_text text;

    if (!entrypoint[0] && !arguments[0]) {
        return err_set(err, ERR_INVALID,
                       "the image %.200s has neither an ENTRYPOINT nor a CMD: give the command in "
                       "container_spec.command",
                       task->image_uri);
    }
    if (attempt_text_begin(&text, err) != 0) {
        return -1;
    }
    put_list(&text, entrypoint);
    put_list(&text, arguments);
    return attempt_text_write(&text, dir_fd, SUPERVISOR_FILE_ARGV, err);
}

/* The engine's own group limits it, and made what the container may do its own business. */
static int write_conf(const struct process_config *config, int dir_fd, const struct docker_image *image,
                      struct err *err)
{
    struct attempt_text text;

    if (strchr(image->user, '\n') || strchr(image->workdir, '\n')) {
        return err_set(err, ERR_INVALID, "the image has a line break in its USER or WORKDIR");
    }
    if (attempt_text_begin(&text, err) != 0) {
        return -1;
    }
    (void)fprintf(text.stream, "workdir=%s\nuser=%s\ncgroup=engine\nno_new_privileges=no\n",
                  image->workdir[0] ? image->workdir : "/", image->user[0] ? image->user : "0");
    attempt_text_log_limits(&text, config);
    return attempt_text_write(&text, dir_fd, SUPERVISOR_FILE_CONF, err);
}

int attempt_container_fill(const struct process_config *config, int dir_fd, const struct task *task,
                           const char *const *module_argv, const struct docker_image *image, const char *hostname,
                           struct err *err)
{
    int result = !module_argv && task->args_only
                     ? write_image_argv(dir_fd, task, image, err)
                     : attempt_text_write_argv(dir_fd, module_argv ? module_argv : task->argv, err);

    if (result != 0 || write_env(config, dir_fd, task, image, hostname, err) != 0 ||
        write_conf(config, dir_fd, image, err) != 0) {
        return -1;
    }
    return attempt_text_lock(dir_fd, err);
}
