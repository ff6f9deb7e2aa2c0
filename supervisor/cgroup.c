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

/* What the file holds, as far as it fits, with a NUL; false when it cannot be read. */
static bool read_text(int dir_fd, const char *path, char *to, size_t size)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t used = 0;
    while (used < size - 1) {
        ssize_t got = read(fd, to + used, size - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    to[used] = '\0';
    close(fd);
    return true;
}

/* The supervisor's own place in the version 2 hierarchy, wherever that is mounted. */
static bool find_own_group(char path[PATH_MAX])
{
    static char text[TEXT_BYTES];
    size_t length = 0;
    if (!read_text(AT_FDCWD, "/proc/self/mounts", text, sizeof text))
        return false;
    for (char *rest = text; rest && *rest && length == 0;) {
        char *line = strsep(&rest, "\n");
        (void)strsep(&line, " ");
        const char *point = strsep(&line, " ");
        const char *type = strsep(&line, " ");
        if (!point || !type || strcmp(type, "cgroup2") != 0 || strlen(point) >= PATH_MAX)
            continue;
        length = strlen(point);
        memcpy(path, point, length);
    }
    if (length == 0 || !read_text(AT_FDCWD, "/proc/self/cgroup", text, sizeof text))
        return false;
    for (char *rest = text; rest && *rest;) {
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
    bool done = write(fd, path, size) == (ssize_t)size;
    return close(fd) == 0 && done;
}

void cgroup_make(struct cgroup *ret_cgroup, int attempt_dir_fd, const char *name)
{
    char clean[NAME_BYTES];
    ret_cgroup->dir_fd = -1;
    ret_cgroup->path[0] = '\0';
    if (!find_own_group(ret_cgroup->path))
        return;
    clean_name(clean, name);
    size_t own = strlen(ret_cgroup->path), room = sizeof ret_cgroup->path - own;
    int size = snprintf(ret_cgroup->path + own, room, "/customjob-%s-%ld", clean, (long)getpid());
    if (size < 0 || (size_t)size >= room)
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
    static char text[TEXT_BYTES];
    if (!read_text(cgroup->dir_fd, "cgroup.procs", text, sizeof text))
        return;
    for (char *rest = text; rest && *rest;) {
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

/* The number after "key " at the start of a line; -1 when there is none. */
static long long read_value(const struct cgroup *cgroup, const char *file, const char *key)
{
    char text[1024];
    if (cgroup->dir_fd < 0 || !read_text(cgroup->dir_fd, file, text, sizeof text))
        return -1;
    for (char *rest = text; rest && *rest;) {
        char *line = strsep(&rest, "\n");
        const char *name = strsep(&line, " ");
        if (line && strcmp(name, key) == 0)
            return strtoll(line, NULL, 10);
    }
    return -1;
}

bool cgroup_is_empty(const struct cgroup *cgroup)
{
    return cgroup->dir_fd < 0 || read_value(cgroup, "cgroup.events", "populated") != 1;
}

bool cgroup_oom_killed(const struct cgroup *cgroup)
{
    return read_value(cgroup, "memory.events", "oom_kill") > 0;
}

void cgroup_remove(struct cgroup *cgroup)
{
    if (cgroup->dir_fd < 0)
        return;
    close(cgroup->dir_fd);
    cgroup->dir_fd = -1;
    (void)rmdir(cgroup->path); /* what keeps it now is removed with the attempt's files */
}
