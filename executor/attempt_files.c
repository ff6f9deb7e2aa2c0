#include "executor/attempt_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int write_file(int dir_fd, const char *name, const char *bytes, size_t size, struct err *err)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    size_t used = 0;

    if (fd < 0) {
        return err_set_errno(err, errno, "cannot make the file %s of an attempt", name);
    }
    while (used < size) {
        ssize_t put = write(fd, bytes + used, size - used);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            err_set_errno(err, errno, "cannot write the file %s of an attempt", name);
            close(fd);
            return -1;
        }
        used += (size_t)put;
    }
    return close(fd) == 0 ? 0 : err_set_errno(err, errno, "cannot write the file %s of an attempt", name);
}

/* Text in the making; a stream in memory keeps count of its own size and remembers a failure. */
struct text {
    FILE *stream;
    char *bytes;
    size_t size;
};

static int text_begin(struct text *text, struct err *err)
{
    *text = (struct text){0};
    text->stream = open_memstream(&text->bytes, &text->size);
    return text->stream ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for the files of an attempt");
}

static int text_write(struct text *text, int dir_fd, const char *name, struct err *err)
{
    bool failed = ferror(text->stream) != 0;
    int result;

    failed = fclose(text->stream) != 0 || failed;
    result = failed ? err_set(err, ERR_EXHAUSTED, "no memory for the files of an attempt")
                    : write_file(dir_fd, name, text->bytes, text->size, err);
    free(text->bytes);
    return result;
}

static void put_string(struct text *text, const char *string)
{
    (void)fwrite(string, 1, strlen(string) + 1, text->stream);
}

static void put_variable(struct text *text, const char *name, const char *value)
{
    (void)fprintf(text->stream, "%s=%s", name, value);
    (void)fputc('\0', text->stream);
}

static bool is_entry_of(const char *entry, const char *name)
{
    size_t length = strlen(name);

    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool job_names(const struct task *task, const char *name, size_t length)
{
    for (size_t i = 0; i < task->env_count; i++) {
        if (strlen(task->env[i].name) == length && memcmp(task->env[i].name, name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* What the job says about a variable wins, then what is passed on, then what the host says. */
static void put_default(struct text *text, const struct process_config *config, const struct task *task,
                        const char *name, const char *value)
{
    if (job_names(task, name, strlen(name))) {
        return;
    }
    for (char **entry = config->passed_env; *entry; entry++) {
        if (is_entry_of(*entry, name)) {
            return;
        }
    }
    put_variable(text, name, value);
}

static void put_passed(struct text *text, const struct process_config *config, const struct task *task)
{
    for (char **entry = config->passed_env; *entry; entry++) {
        if (!is_entry_of(*entry, ATTEMPT_VARIABLE) && !job_names(task, *entry, strcspn(*entry, "="))) {
            put_string(text, *entry);
        }
    }
}

static int write_env(const struct process_config *config, int dir_fd, const struct task *task, const char *home,
                     struct err *err)
{
    char key[EXECUTION_KEY_BYTES];
    struct text text;

    if (text_begin(&text, err) != 0) {
        return -1;
    }
    execution_key_format(&task->key, key);
    put_variable(&text, ATTEMPT_VARIABLE, key);
    for (size_t i = 0; i < task->env_count; i++) {
        if (strcmp(task->env[i].name, ATTEMPT_VARIABLE) != 0) {
            put_variable(&text, task->env[i].name, task->env[i].value);
        }
    }
    put_passed(&text, config, task);
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
    return text_write(&text, dir_fd, SUPERVISOR_FILE_ENV, err);
}

static int write_argv(int dir_fd, const char *const *argv, struct err *err)
{
    struct text text;

    if (text_begin(&text, err) != 0) {
        return -1;
    }
    for (; *argv; argv++) {
        put_string(&text, *argv);
    }
    return text_write(&text, dir_fd, SUPERVISOR_FILE_ARGV, err);
}

static int write_conf(const struct process_config *config, int dir_fd, const char *home, struct err *err)
{
    struct text text;

    if (text_begin(&text, err) != 0) {
        return -1;
    }
    (void)fprintf(text.stream, "workdir=%s\nlog_bytes_max=%" PRIu64 "\n", home, config->log_bytes_max);
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
    if (config->mounts_buckets) {
        (void)fprintf(text.stream, "buckets_dir=%s\n", config->buckets_dir);
    }
    return text_write(&text, dir_fd, SUPERVISOR_FILE_CONF, err);
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
    int result, fd;

    attempt_path(&task->key, path);
    if (asprintf(&home, "%s/%s/%s", config->attempts_dir, path, ATTEMPT_HOME) < 0) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a path");
    }
    result = make_home(config, dir_fd, err) != 0 || write_argv(dir_fd, argv, err) != 0 ||
                     write_env(config, dir_fd, task, home, err) != 0 || write_conf(config, dir_fd, home, err) != 0
                 ? -1
                 : 0;
    free(home);
    if (result != 0) {
        return -1;
    }
    fd = openat(dir_fd, SUPERVISOR_FILE_LOCK, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot make the lock of an attempt");
    }
    close(fd);
    return 0;
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
