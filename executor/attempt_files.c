#include "executor/attempt_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executor/attempt_text.h"

#define PLAIN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define BUCKETS_VARIABLE "CUSTOMJOBD_BUCKETS"
#define BUCKETS_MOUNT "/gcs"
#define BUCKETS_LINK "gcs"

static int make_dir(int at_fd, const char *path, mode_t mode, struct err *err)
{
    if (mkdirat(at_fd, path, mode) != 0) {
        return errno == EEXIST ? 0 : err_set_errno(err, errno, "cannot make the directory %s", path);
    }
    /* Whatever umask the server has. */
    return fchmodat(at_fd, path, mode, 0) == 0 ? 0 : err_set_errno(err, errno, "cannot set the mode of %s", path);
}

int attempt_make_job_dir(const struct process_config *config, uint64_t job_id, struct err *err)
{
    char path[ATTEMPT_PATH_BYTES];

    attempt_job_path(job_id, path);
    return make_dir(config->attempts_fd, path, process_config_dir_mode(config), err);
}

int attempt_make(const struct process_config *config, const struct execution_key *key, int *ret_fd, struct err *err)
{
    char path[ATTEMPT_PATH_BYTES];
    int fd = -1;

    attempt_path(key, path);
    if (attempt_make_job_dir(config, key->job_id, err) != 0 ||
        make_dir(config->attempts_fd, path, process_config_dir_mode(config), err) != 0 ||
        attempt_open(config->attempts_fd, key, &fd, err) != 0) {
        return -1;
    }
    if (fd < 0) {
        return err_set(err, ERR_IO, "the attempt directory %s was taken away", path);
    }
    *ret_fd = fd;
    return 0;
}

/* What the job says about a variable wins, then what is passed on, then what the host says. */
static void put_default(struct attempt_text *text, const struct process_config *config, const struct task *task,
                        const char *name, const char *value)
{
    if (attempt_text_task_names(task, name, strlen(name))) {
        return;
    }
    for (char **entry = config->passed_env; *entry; entry++) {
        if (attempt_text_is_entry_of(*entry, name)) {
            return;
        }
    }
    attempt_text_variable(text, name, value);
}

static int write_env(const struct process_config *config, int dir_fd, const struct task *task, const char *home,
                     struct err *err)
{
    struct attempt_text text;

    if (attempt_text_begin(&text, err) != 0) {
        return -1;
    }
    attempt_text_given_env(&text, config, task);
    put_default(&text, config, task, "PATH", PLAIN_PATH);
    put_default(&text, config, task, "HOME", home);
    put_default(&text, config, task, "PWD", home);
    if (config->user_name) {
        put_default(&text, config, task, "USER", config->user_name);
        put_default(&text, config, task, "LOGNAME", config->user_name);
    }
    if (config->buckets_dir) {
        put_default(&text, config, task, BUCKETS_VARIABLE,
                    config->mounts_buckets ? BUCKETS_MOUNT : config->buckets_dir);
    }
    return attempt_text_write(&text, dir_fd, SUPERVISOR_FILE_ENV, err);
}

static void put_limits(struct attempt_text *text, const struct task_limits *limits)
{
    if (limits->memory_bytes > 0) {
        (void)fprintf(text->stream, "memory_bytes_max=%" PRIu64 "\n", limits->memory_bytes);
    }
    if (limits->cpus_milli > 0) {
        (void)fprintf(text->stream, "cpus_milli_max=%" PRIu64 "\n", limits->cpus_milli);
    }
    if (limits->pids > 0) {
        (void)fprintf(text->stream, "pids_max=%" PRIu64 "\n", limits->pids);
    }
}

static int write_conf(const struct process_config *config, int dir_fd, const struct task *task, const char *home,
                      struct err *err)
{
    struct attempt_text text;

    if (attempt_text_begin(&text, err) != 0) {
        return -1;
    }
    (void)fprintf(text.stream, "workdir=%s\n", home);
    attempt_text_log_limits(&text, config);
    if (config->open_files != 0) {
        (void)fprintf(text.stream, "open_files=%" PRIu64 "\n", config->open_files);
    }
    if (config->has_user) {
        (void)fprintf(text.stream, "uid=%lu\ngid=%lu\n", (unsigned long)config->uid, (unsigned long)config->gid);
        for (size_t i = 0; i < config->group_count; i++) {
            (void)fprintf(text.stream, "%s%lu%s", i == 0 ? "groups=" : ",", (unsigned long)config->groups[i],
                          i + 1 == config->group_count ? "\n" : "");
        }
    }
    put_limits(&text, &task->limits);
    for (size_t i = 0; i < task->mount_count; i++) {
        (void)fprintf(text.stream, "bind=%s:%s\n", task->mounts[i].source, task->mounts[i].target);
    }
    if (config->mounts_buckets) {
        (void)fprintf(text.stream, "buckets_dir=%s\n", config->buckets_dir);
    }
    return attempt_text_write(&text, dir_fd, SUPERVISOR_FILE_CONF, err);
}

static int make_home(const struct process_config *config, int dir_fd, struct err *err)
{
    if (make_dir(dir_fd, ATTEMPT_HOME, 0700, err) != 0) {
        return -1;
    }
    if (config->buckets_dir && !config->mounts_buckets &&
        symlinkat(config->buckets_dir, dir_fd, ATTEMPT_HOME "/" BUCKETS_LINK) != 0 && errno != EEXIST) {
        return err_set_errno(err, errno, "cannot link the buckets into a replica's home");
    }
    if (config->has_user && fchownat(dir_fd, ATTEMPT_HOME, config->uid, config->gid, AT_SYMLINK_NOFOLLOW) != 0) {
        return err_set_errno(err, errno, "cannot give a replica's home to the user %s", config->user_name);
    }
    return 0;
}

int attempt_fill(const struct process_config *config, int dir_fd, const struct task *task, const char *const *argv,
                 struct err *err)
{
    char path[ATTEMPT_PATH_BYTES];
    char *home;
    int result;

    attempt_path(&task->key, path);
    if (asprintf(&home, "%s/%s/%s", config->attempts_dir, path, ATTEMPT_HOME) < 0) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a path");
    }
    result = make_home(config, dir_fd, err) != 0 || attempt_text_write_argv(dir_fd, argv, err) != 0 ||
                     write_env(config, dir_fd, task, home, err) != 0 || write_conf(config, dir_fd, task, home, err) != 0
                 ? -1
                 : 0;
    free(home);
    return result == 0 ? attempt_text_lock(dir_fd, err) : -1;
}

int attempt_sync_job(const struct process_config *config, uint64_t job_id, struct err *err)
{
    char path[ATTEMPT_PATH_BYTES];
    int fd, result;

    attempt_job_path(job_id, path);
    fd = openat(config->attempts_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    result = fd < 0 || fsync(fd) != 0 || fsync(config->attempts_fd) != 0 ? -1 : 0;
    if (result != 0) {
        err_set_errno(err, errno, "cannot make the directory of a job durable");
    }
    if (fd >= 0) {
        close(fd);
    }
    return result;
}
