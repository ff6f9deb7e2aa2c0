#include "supervisor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/supervisor_wire.h"

#define TEXT_BYTES (256 * 1024)
#define NAME_BYTES 160

char *cgroup_read_text(int dir_fd, const char *path)
{
    static char text[TEXT_BYTES];
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t used = 0;
    while (used < sizeof text - 1) {
        ssize_t got = read(fd, text + used, sizeof text - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    text[used] = '\0';
    close(fd);
    return text;
}

/* Wherever the hierarchy is mounted. */
bool cgroup_find_own(char path[PATH_MAX])
{
    size_t length = 0;
    for (char *rest = cgroup_read_text(AT_FDCWD, "/proc/self/mounts"); rest && *rest && length == 0;) {
        char *line = strsep(&rest, "\n");
        (void)strsep(&line, " ");
        const char *point = strsep(&line, " ");
        const char *type = strsep(&line, " ");
        if (!point || !type || strcmp(type, "cgroup2") != 0 || strlen(point) >= PATH_MAX)
            continue;
        length = strlen(point);
        memcpy(path, point, length);
    }
    if (length == 0)
        return false;
    for (char *rest = cgroup_read_text(AT_FDCWD, "/proc/self/cgroup"); rest && *rest;) {
        const char *line = strsep(&rest, "\n");
        if (strncmp(line, "0::/", 4) != 0 || strncmp(line, "0::/..", 6) == 0)
            continue;
        const char *own = strcmp(line + 3, "/") == 0 ? "" : line + 3;
        if (strlen(own) >= PATH_MAX - length)
            return false;
        memcpy(path + length, own, strlen(own) + 1);
        return true;
    }
    return false;
}

static void clean_name(char to[NAME_BYTES], const char *name)
{
    size_t used = 0;
    for (; *name && used < NAME_BYTES - 1; name++) {
        bool plain = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                     (*name >= '0' && *name <= '9') || *name == '-';
        to[used++] = plain ? *name : '_';
    }
    to[used] = '\0';
}

/* Whoever clears up later must know the path: no record, no leaf. */
static bool record_path(int attempt_dir_fd, const char *path)
{
    int fd =
        openat(attempt_dir_fd, SUPERVISOR_FILE_CGROUP, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    size_t size = strlen(path);
    bool done = write(fd, path, size) == (ssize_t)size && write(fd, "\n", 1) == 1;
    return close(fd) == 0 && done;
}

bool cgroup_name_leaf(char path[PATH_MAX], const char *name)
{
    char clean[NAME_BYTES];
    size_t own = strlen(path), room = PATH_MAX - own;
    clean_name(clean, name);
    int size = snprintf(path + own, room, "/customjob-%s-%ld", clean, (long)getpid());
    return size > 0 && (size_t)size < room;
}

void cgroup_make(struct cgroup *ret_cgroup, int attempt_dir_fd, const char *name)
{
    ret_cgroup->dir_fd = -1;
    ret_cgroup->path[0] = '\0';
    if (!cgroup_find_own(ret_cgroup->path) || !cgroup_name_leaf(ret_cgroup->path, name))
        return;
    if (record_path(attempt_dir_fd, ret_cgroup->path) && mkdir(ret_cgroup->path, 0755) == 0) {
        ret_cgroup->dir_fd = open(ret_cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ret_cgroup->dir_fd >= 0)
            return;
        (void)rmdir(ret_cgroup->path);
    }
    (void)unlinkat(attempt_dir_fd, SUPERVISOR_FILE_CGROUP, 0);
}

/* Kernels before 5.14: one by one; called again until it is empty. */
static void kill_each(const struct cgroup *cgroup)
{
    for (char *rest = cgroup_read_text(cgroup->dir_fd, "cgroup.procs"); rest && *rest;) {
        long pid = strtol(strsep(&rest, "\n"), NULL, 10);
        if (pid > 1 && rest)
            (void)kill((pid_t)pid, SIGKILL);
    }
}

void cgroup_kill(const struct cgroup *cgroup)
{
    if (cgroup->dir_fd < 0)
        return;
    int fd = openat(cgroup->dir_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, "1", 1) == 1;
    if (fd >= 0)
        close(fd);
    if (!done)
        kill_each(cgroup);
}

long long cgroup_read_value(int dir_fd, const char *file, const char *key)
{
    for (char *rest = dir_fd >= 0 ? cgroup_read_text(dir_fd, file) : NULL; rest && *rest;) {
        char *line = strsep(&rest, "\n");
        const char *name = strsep(&line, " ");
        if (line && strcmp(name, key) == 0)
            return strtoll(line, NULL, 10);
    }
    return -1;
}

bool cgroup_is_empty(const struct cgroup *cgroup)
{
    return cgroup->dir_fd < 0 || cgroup_read_value(cgroup->dir_fd, "cgroup.events", "populated") != 1;
}

bool cgroup_oom_killed(const struct cgroup *cgroup)
{
    return cgroup_read_value(cgroup->dir_fd, "memory.events", "oom_kill") > 0;
}

void cgroup_remove(struct cgroup *cgroup)
{
    if (cgroup->dir_fd < 0)
        return;
    close(cgroup->dir_fd);
    cgroup->dir_fd = -1;
    (void)rmdir(cgroup->path); /* what keeps it now is removed with the attempt's files */
}
