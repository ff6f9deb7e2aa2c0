#include "executor/attempt_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "executor/attempt_dir.h"

#define TEXT_BYTES (4 * PATH_MAX)

static const struct {
    const char *key; /* of conf */
    const char *controller;
    const char *name;
} limits[] = {{"memory_bytes_max=", "memory ", "memory"},
              {"cpus_milli_max=", "cpu ", "processors"},
              {"pids_max=", "pids ", "number of processes"}};

/* A file that is not there is an empty one. */
static bool read_file(int dir_fd, const char *name, char text[TEXT_BYTES])
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size;

    text[0] = '\0';
    if (fd < 0) {
        return errno == ENOENT;
    }
    do {
        size = read(fd, text, TEXT_BYTES - 1);
    } while (size < 0 && errno == EINTR);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    return size >= 0;
}

static bool has_line(const char *text, const char *beginning)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, beginning, strlen(beginning)) == 0) {
            return true;
        }
    }
    return false;
}

bool attempt_limits_missing(int attempts_fd, const struct execution_key *key, char *ret_what, size_t what_bytes)
{
    char conf[TEXT_BYTES], groups[TEXT_BYTES];
    struct err ignored = ERR_INIT;
    size_t used = 0;
    int dir_fd;
    bool is_read;

    if (attempt_open(attempts_fd, key, &dir_fd, &ignored) != 0 || dir_fd < 0) {
        return false;
    }
    is_read = read_file(dir_fd, SUPERVISOR_FILE_CONF, conf) && read_file(dir_fd, SUPERVISOR_FILE_CGROUP, groups);
    close(dir_fd);
    for (size_t i = 0; is_read && i < sizeof limits / sizeof limits[0]; i++) {
        if (has_line(conf, limits[i].key) && !has_line(groups, limits[i].controller) && used < what_bytes) {
            used += (size_t)snprintf(ret_what + used, what_bytes - used, "%s%s", used > 0 ? ", " : "", limits[i].name);
        }
    }
    return used > 0;
}
