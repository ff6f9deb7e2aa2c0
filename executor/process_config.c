#include "executor/process_config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define PASSWD_BYTES 65536
#define CAP_SYS_ADMIN_BIT 21

mode_t process_config_dir_mode(const struct process_config *config)
{
    return config->has_user ? 0711 : 0700;
}

/* A user that can be replaced by another one, and that may mount. */
static bool may_mount(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    uint64_t capabilities = 0;

    while (status && fgets(line, sizeof line, status)) {
        if (sscanf(line, "CapEff: %" SCNx64, &capabilities) == 1) { /* NOLINT(cert-err34-c): the kernel's own text */
            break;
        }
    }
    if (status) {
        (void)fclose(status);
    }
    return geteuid() == 0 && (capabilities >> CAP_SYS_ADMIN_BIT & 1) != 0;
}

static int find_user(struct process_config *config, const char *name, struct err *err)
{
    int count = PROCESS_GROUPS_MAX, result;
    struct passwd entry, *found = NULL;
    char *bytes = malloc(PASSWD_BYTES);

    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory to look up the user %s", name);
    }
    result = getpwnam_r(name, &entry, bytes, PASSWD_BYTES, &found);
    if (result != 0) {
        err_set_errno(err, result, "cannot look up the user %s", name);
    } else if (!found) {
        result = err_set(err, ERR_INVALID, "there is no user \"%s\" to run replicas as", name);
    } else if (geteuid() != 0 && found->pw_uid != geteuid()) {
        result = err_set(err, ERR_DENIED, "only root can run replicas as the user \"%s\"", name);
    } else if (geteuid() == 0 && getgrouplist(name, found->pw_gid, config->groups, &count) < 0) {
        result = err_set(err, ERR_INVALID, "the user \"%s\" is in more than %d groups", name, PROCESS_GROUPS_MAX);
    } else if (geteuid() == 0) {
        config->has_user = true;
        config->uid = found->pw_uid;
        config->gid = found->pw_gid;
        config->group_count = (size_t)count;
        config->user_name = strdup(name);
        result = config->user_name ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for a user's name");
    }
    free(bytes);
    return result ? -1 : 0;
}

static bool may_enter(const struct process_config *config, const struct stat *status)
{
    if (config->uid == 0) {
        return true;
    }
    if (status->st_uid == config->uid) {
        return status->st_mode & S_IXUSR;
    }
    for (size_t i = 0; i < config->group_count; i++) {
        if (status->st_gid == config->groups[i]) {
            return status->st_mode & S_IXGRP;
        }
    }
    return status->st_mode & S_IXOTH;
}

/* A replica that cannot reach its own home would fail in many strange ways; this is one clear way. */
static int check_reach(const struct process_config *config, struct err *err)
{
    char *path = strdup(config->attempts_dir);
    char *slash = path;
    int result = 0;

    if (!path) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a path");
    }
    while (result == 0 && slash) {
        struct stat status;
        char kept;

        slash = strchr(slash + 1, '/');
        kept = slash ? *slash : '\0';
        if (slash) {
            *slash = '\0';
        }
        if (stat(path, &status) == 0 && !may_enter(config, &status)) {
            result = err_set(err, ERR_INVALID,
                             "the user \"%s\" of replicas may not enter %s, which is on the way to their files; "
                             "`chmod o+x` on it lets it pass",
                             config->user_name, path);
        }
        if (slash) {
            *slash = kept;
        }
    }
    free(path);
    return result;
}

static int open_attempts(struct process_config *config, const char *dir, struct err *err)
{
    if (mkdir(dir, process_config_dir_mode(config)) != 0 && errno != EEXIST) {
        return err_set_errno(err, errno, "cannot make %s", dir);
    }
    config->attempts_dir = realpath(dir, NULL);
    if (!config->attempts_dir) {
        return err_set_errno(err, errno, "cannot find %s", dir);
    }
    config->attempts_fd = open(config->attempts_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (config->attempts_fd < 0) {
        return err_set_errno(err, errno, "cannot open %s", dir);
    }
    if (fchmod(config->attempts_fd, process_config_dir_mode(config)) != 0) {
        return err_set_errno(err, errno, "cannot set the mode of %s", dir);
    }
    return config->has_user ? check_reach(config, err) : 0;
}

static int find_programs(struct process_config *config, const struct executor_process_options *options, struct err *err)
{
    struct stat status;

    config->supervisor_path = realpath(options->supervisor_path, NULL);
    if (!config->supervisor_path || access(config->supervisor_path, X_OK) != 0) {
        return err_set_errno(err, errno, "cannot run the supervisor %s", options->supervisor_path);
    }
    if (options->mounts && !may_mount()) {
        return err_set(err, ERR_DENIED,
                       "--nfs-map and --lustre-map: only root, with CAP_SYS_ADMIN, may mount directories for replicas");
    }
    if (!options->buckets_dir) {
        return 0;
    }
    config->buckets_dir = realpath(options->buckets_dir, NULL);
    if (!config->buckets_dir) {
        return err_set_errno(err, errno, "cannot find the buckets directory %s", options->buckets_dir);
    }
    if (stat(config->buckets_dir, &status) != 0 || !S_ISDIR(status.st_mode) || strchr(config->buckets_dir, '\n')) {
        return err_set(err, ERR_INVALID, "%s cannot be the buckets directory", options->buckets_dir);
    }
    config->mounts_buckets = may_mount();
    return 0;
}

/* Values are taken now: the environment belongs to the thread that makes the executor. */
static int take_env(struct process_config *config, const char *const *names, struct err *err)
{
    size_t count = 0, kept = 0;

    while (names && names[count]) {
        count++;
    }
    config->passed_env = calloc(count + 1, sizeof *config->passed_env);
    for (size_t i = 0; config->passed_env && i < count; i++) {
        const char *value = getenv(names[i]);

        if (!names[i][0] || strchr(names[i], '=')) {
            return err_set(err, ERR_INVALID, "\"%s\" cannot name an environment variable to pass on", names[i]);
        }
        if (value && asprintf(&config->passed_env[kept], "%s=%s", names[i], value) < 0) {
            config->passed_env[kept] = NULL;
            return err_set(err, ERR_EXHAUSTED, "no memory for the environment");
        }
        kept += value ? 1 : 0;
    }
    return config->passed_env ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for the environment");
}

int process_config_init(struct process_config *config, const struct executor_process_options *options, struct err *err)
{
    *config = (struct process_config){.attempts_fd = -1,
                                      .open_files = options->open_files,
                                      .clock = options->clock,
                                      .keys = options->keys,
                                      .log = options->log,
                                      .log_context = options->log_context};
    config->log_bytes_per_s_max = options->log_stream_bytes_per_s_max;
    config->log_waits = options->log_waits;
    config->log_bytes_max =
        options->log_stream_bytes_max ? options->log_stream_bytes_max : LIMIT_LOG_STREAM_BYTES_DEFAULT;
    if ((options->job_user && find_user(config, options->job_user, err) != 0) ||
        open_attempts(config, options->attempts_dir, err) != 0 || find_programs(config, options, err) != 0 ||
        take_env(config, options->pass_env, err) != 0) {
        process_config_deinit(config);
        return -1;
    }
    return 0;
}

void process_config_deinit(struct process_config *config)
{
    if (config->attempts_fd >= 0) {
        close(config->attempts_fd);
        config->attempts_fd = -1;
    }
    for (char **entry = config->passed_env; entry && *entry; entry++) {
        free(*entry);
    }
    free(config->passed_env);
    free(config->user_name);
    free(config->buckets_dir);
    free(config->docker_auths);
    free(config->supervisor_path);
    free(config->attempts_dir);
}
