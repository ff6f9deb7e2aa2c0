#include "executor/leftovers.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "executor/process_identity.h"

/* What an exec takes, and as much again for what a program may add. */
#define ENVIRON_BYTES (2 * LIMIT_EXEC_TOTAL_BYTES)
/* Fields of /proc/PID/stat. */
#define STAT_VSIZE 23
#define STAT_ENV_END 51

/* Up to size - 1 bytes and a NUL; -1 when it cannot be read. */
static ssize_t read_some(int at_fd, const char *path, char *to, size_t size)
{
    int fd = openat(at_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t used = 0;
    ssize_t got = 0;

    if (fd < 0) {
        return -1;
    }
    while (used < size - 1 && (got = read(fd, to + used, size - 1 - used)) > 0) {
        used += (size_t)got;
    }
    close(fd);
    to[used] = '\0';
    return got < 0 ? -1 : (ssize_t)used;
}

/* What a supervisor of this attempt has written down, a line each: "PATH" of the group that holds its processes, "leaf PATH"
 * of those that limit them. */
struct groups {
    char text[4 * PATH_MAX];
    char *rest;
    char name[EXECUTION_KEY_BYTES + 16];
};

static bool read_groups(int dir_fd, const char *key, struct groups *groups)
{
    (void)snprintf(groups->name, sizeof groups->name, "customjob-%s-", key);
    groups->rest = groups->text;
    return dir_fd >= 0 && read_some(dir_fd, SUPERVISOR_FILE_CGROUP, groups->text, sizeof groups->text) > 0;
}

/* The next path, if it is one that a supervisor of this attempt makes; NULL at the end. */
static const char *next_group(struct groups *groups, bool *ret_is_leaf)
{
    while (groups->rest && *groups->rest) {
        char *line = strsep(&groups->rest, "\n");
        bool is_leaf = strncmp(line, "leaf /", 6) == 0;
        const char *path = is_leaf ? line + 5 : line;
        const char *last = strrchr(path, '/');

        if (path[0] == '/' && last && !strstr(path, "/../") &&
            strncmp(last + 1, groups->name, strlen(groups->name)) == 0) {
            *ret_is_leaf = is_leaf;
            return path;
        }
    }
    return NULL;
}

static void write_one(int at_fd, const char *path)
{
    int fd = openat(at_fd, path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "1", 1) < 0) {
        /* Then the group stays populated, and the next round tries again. */
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Kernels before 5.14 have no cgroup.kill. */
static void kill_each(int cgroup_fd)
{
    char text[4096];
    char *rest = text;

    if (faccessat(cgroup_fd, "cgroup.kill", F_OK, 0) == 0 ||
        read_some(cgroup_fd, "cgroup.procs", text, sizeof text) <= 0) {
        return;
    }
    while (rest && *rest) {
        long pid = strtol(strsep(&rest, "\n"), NULL, 10);

        if (pid > 1 && rest) {
            (void)kill((pid_t)pid, SIGKILL);
        }
    }
}

/* True when the group held nothing; false also when that cannot be read. */
static bool end_cgroup(int cgroup_fd)
{
    char text[1024];

    if (read_some(cgroup_fd, "cgroup.events", text, sizeof text) > 0 && strstr(text, "populated 0")) {
        return true;
    }
    write_one(cgroup_fd, "cgroup.kill");
    kill_each(cgroup_fd);
    return false;
}

/* Whether an environment, entries with their NULs, has this one. */
static bool holds(const char *environment, size_t size, const char *entry)
{
    const char *at = environment, *end = environment + size;
    size_t entry_bytes = strlen(entry) + 1;

    while (at < end) {
        size_t bytes = strnlen(at, (size_t)(end - at)) + 1;

        if (bytes == entry_bytes && memcmp(at, entry, bytes) == 0) {
            return true;
        }
        at += bytes;
    }
    return false;
}

/* Field of /proc/PID/stat, counted from 1 as proc(5) does, from the third on; 0 when it has none. */
static uint64_t stat_field(const char *text, unsigned number)
{
    const char *at = strrchr(text, ')');

    for (unsigned field = 2; at && field < number; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at, NULL, 10) : 0;
}

/* In the middle of an exec: the new program's memory is there, its arguments and environment are not. */
static bool is_in_exec(pid_t pid)
{
    char path[48], text[1024];

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    return read_some(AT_FDCWD, path, text, sizeof text) > 0 && stat_field(text, STAT_VSIZE) > 0 &&
           stat_field(text, STAT_ENV_END) == 0;
}

/* The environment, its size; 0: it has none, as kernel threads and zombies. -1 with errno, EAGAIN in an exec. */
static ssize_t read_environment(pid_t pid, char *environment)
{
    char path[48];
    ssize_t size;

    (void)snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
    size = read_some(AT_FDCWD, path, environment, ENVIRON_BYTES);
    if (size == 0 && is_in_exec(pid)) {
        errno = EAGAIN;
        return -1;
    }
    if (size == 0) { /* one that was in an exec a moment ago has it now */
        size = read_some(AT_FDCWD, path, environment, ENVIRON_BYTES);
    }
    return size;
}

/* For want of descriptors or memory, or too early: it is not known who that process is. */
static bool is_unknown(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

/* True: it is this attempt's and was killed, or could not be looked at. */
static bool end_process(pid_t pid, const char *entry, char *environment)
{
    int fd = pidfd_open(pid, 0); /* before it is looked at: a pid comes again */
    bool found = false;
    ssize_t size;

    if (fd < 0) {
        return is_unknown(errno);
    }
    size = read_environment(pid, environment);
    found = size < 0 && is_unknown(errno);
    if (size > 0 && holds(environment, (size_t)size, entry)) {
        (void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
        found = true;
    }
    close(fd);
    return found;
}

static bool end_named(const char *key)
{
    char entry[sizeof ATTEMPT_VARIABLE + EXECUTION_KEY_BYTES];
    char *environment = malloc(ENVIRON_BYTES);
    DIR *processes = opendir("/proc");
    bool found = !environment || !processes; /* not looked at is not proved */
    const struct dirent *process;

    (void)snprintf(entry, sizeof entry, "%s=%s", ATTEMPT_VARIABLE, key);
    while (environment && processes && (process = readdir(processes))) {
        long pid = isdigit((unsigned char)process->d_name[0]) ? strtol(process->d_name, NULL, 10) : 0;

        if (pid > 1 && pid != getpid() && end_process((pid_t)pid, entry, environment)) {
            found = true;
        }
    }
    if (processes) {
        (void)closedir(processes);
    }
    free(environment);
    return !found;
}

/* Ends what is in the group that holds all processes. *ret_found false: there is none. */
static bool end_groups(int dir_fd, const char *key, bool *ret_found)
{
    struct groups groups;
    const char *path;
    bool is_leaf, ended = true;

    *ret_found = false;
    if (!read_groups(dir_fd, key, &groups)) {
        return true;
    }
    while ((path = next_group(&groups, &is_leaf))) {
        int fd = is_leaf ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0) {
            *ret_found = true;
            ended = end_cgroup(fd) && ended;
            close(fd);
        }
    }
    return ended;
}

bool leftovers_end(int dir_fd, const struct execution_key *key, const struct supervisor_history *history)
{
    const struct supervisor_run *run = &history->run.of.run;
    char text[EXECUTION_KEY_BYTES];
    bool has_group, ended;

    /* The kernel kills it with its supervisor, but not within the same instant. */
    if (history->has_run && process_is_alive(run->pid, run->start_time_ticks)) {
        process_signal(run->pid, run->start_time_ticks, SIGKILL);
        return false;
    }
    execution_key_format(key, text);
    ended = end_groups(dir_fd, text, &has_group);
    if (!has_group) {
        ended = end_named(text);
    }
    if (ended) {
        leftovers_remove_cgroup(dir_fd, text);
    }
    return ended;
}

void leftovers_remove_cgroup(int dir_fd, const char *key)
{
    struct groups groups;
    const char *path;
    bool is_leaf;

    for (bool found = read_groups(dir_fd, key, &groups); found && (path = next_group(&groups, &is_leaf));) {
        (void)rmdir(path);
    }
}
