#include "server/main_executor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "executor/executor_docker.h"
#include "executor/executor_process.h"
#include "server/main_log.h"

#define PATH_BYTES 4096

const char *main_executor_choose(const struct config *config)
{
    struct err ignored = ERR_INIT;

    if (strcmp(config->executor, "auto") != 0) {
        return config->executor;
    }
    /* A user for jobs is said of processes. */
    return !config->job_user && executor_docker_check(config->docker_socket, &ignored) == 0 ? "docker" : "process";
}

/* The program beside this one. */
static int find_supervisor(const struct config *config, char path[PATH_BYTES], struct err *err)
{
    static const char name[] = "customjob-supervisor";
    ssize_t size = readlink("/proc/self/exe", path, PATH_BYTES - sizeof name);
    char *slash;

    if (config->supervisor) {
        snprintf(path, PATH_BYTES, "%s", config->supervisor);
    } else if (size < 0) {
        return err_set_errno(err, errno, "cannot find this program's own path");
    } else {
        path[size] = '\0';
        slash = strrchr(path, '/');
        memcpy(slash ? slash + 1 : path, name, sizeof name);
    }
    if (access(path, X_OK) != 0) {
        return err_set(err, ERR_INVALID, "the supervisor %s: %s; --supervisor PATH names another", path,
                       strerror(errno));
    }
    return 0;
}

static int make_process(const struct main_executor_options *options, const char *attempts, const char *supervisor,
                        struct execution_sink sink, struct executor **ret_executor, struct err *err)
{
    const struct config *config = options->config;
    struct executor_process_options process = {.attempts_dir = attempts,
                                               .supervisor_path = supervisor,
                                               .buckets_dir = config->buckets_dir,
                                               .mounts = config->nfs_map.count + config->lustre_map.count > 0,
                                               .job_user = config->job_user,
                                               .pass_env = config->pass_env.items,
                                               .log_stream_bytes_max = config->log_stream_bytes_max,
                                               .log_stream_bytes_per_s_max = config->log_rate,
                                               .log_waits = strcmp(config->log_overflow, "wait") == 0,
                                               .open_files = options->open_files,
                                               .port_first = config->port_range.first,
                                               .port_last = config->port_range.last,
                                               .clock = clock_system(),
                                               .keys = options->keys,
                                               .log = main_log_line};

    return executor_process_create(&process, sink, ret_executor, err);
}

/* Where docker itself would look; false: nowhere. */
static bool find_docker_auths(const struct config *config, char path[PATH_BYTES])
{
    const char *dir = config->docker_config ? config->docker_config : getenv("DOCKER_CONFIG");
    const char *home = getenv("HOME");
    int size = dir && dir[0]     ? snprintf(path, PATH_BYTES, "%s/config.json", dir)
               : home && home[0] ? snprintf(path, PATH_BYTES, "%s/.docker/config.json", home)
                                 : -1;

    return size > 0 && size < PATH_BYTES;
}

/* An engine that is away for a moment shall not keep a server from serving; one that is not there at all should be named. */
static int make_docker(const struct main_executor_options *options, const char *attempts, const char *supervisor,
                       struct execution_sink sink, struct executor **ret_executor, struct err *err)
{
    const struct config *config = options->config;
    char auths[PATH_BYTES];
    struct executor_docker_options docker = {.socket_path = config->docker_socket,
                                             .auths = find_docker_auths(config, auths) ? auths : NULL,
                                             .attempts_dir = attempts,
                                             .supervisor_path = supervisor,
                                             .buckets_dir = config->buckets_dir,
                                             .pass_env = config->pass_env.items,
                                             .log_stream_bytes_max = config->log_stream_bytes_max,
                                             .log_stream_bytes_per_s_max = config->log_rate,
                                             .log_waits = strcmp(config->log_overflow, "wait") == 0,
                                             .clock = clock_system(),
                                             .keys = options->keys,
                                             .log = main_log_line};
    struct err found = ERR_INIT;

    if (executor_docker_check(config->docker_socket, &found) != 0) {
        if (found.code == ERR_UNSUPPORTED) {
            return err_set(err, ERR_INVALID, "--executor docker: %s", found.text);
        }
        main_log(MAIN_LOG_WARNING, "%s; jobs fail until it is there", found.text);
    }
    return executor_docker_create(&docker, sink, ret_executor, err);
}

int main_executor_make(const struct main_executor_options *options, struct execution_sink sink,
                       struct executor **ret_executor, struct err *err)
{
    bool is_docker = strcmp(options->config->executor, "docker") == 0;
    char supervisor[PATH_BYTES];
    char attempts[PATH_BYTES];

    if (find_supervisor(options->config, supervisor, err)) {
        return -1;
    }
    snprintf(attempts, sizeof attempts, "%s/attempts", options->config->data_dir);
    return (is_docker ? make_docker : make_process)(options, attempts, supervisor, sink, ret_executor, err);
}
