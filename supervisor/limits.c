#include "supervisor/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor/supervisor_wire.h"

#define CPU_PERIOD_US 100000
/* The kernel takes no smaller quota. */
#define CPU_QUOTA_US_MIN 1000

static const char *const controllers[LIMIT_COUNT] = {
    [LIMIT_MEMORY] = "memory", [LIMIT_CPU] = "cpu", [LIMIT_PIDS] = "pids"};

void limits_init(struct limits *limits)
{
    for (int i = 0; i < LIMIT_COUNT; i++)
        limits->leaf_fds[i] = -1;
}

static bool write_text(int dir_fd, const char *name, const char *text)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t size = strlen(text);
    bool done = write(fd, text, size) == (ssize_t)size;
    return close(fd) == 0 && done;
}

static bool write_number(int dir_fd, const char *name, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return write_text(dir_fd, name, text);
}

/* ---- where a controller of version 1 is ---- */

static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (strncmp(list, word, length) == 0 && (list[length] == ',' || list[length] == '\0'))
            return true;
    }
    return false;
}

/* "NUMBER:CONTROLLERS:PATH": the supervisor's own path in the hierarchy of this one. */
static bool find_own_path(const char *controller, char path[PATH_MAX])
{
    for (char *rest = cgroup_read_text(AT_FDCWD, "/proc/self/cgroup"); rest && *rest;) {
        char *line = strsep(&rest, "\n");
        (void)strsep(&line, ":");
        const char *names = strsep(&line, ":");
        if (!names || !line || !list_has(names, controller) || strlen(line) >= PATH_MAX)
            continue;
        memcpy(path, line, strlen(line) + 1);
        return true;
    }
    return false;
}

/* A line of mountinfo: "ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE SOURCE SUPER-OPTIONS". */
static bool parse_mount(char *line, const char *controller, const char **ret_root, const char **ret_point)
{
    char *tail = strstr(line, " - ");
    if (!tail || strncmp(tail + 3, "cgroup ", 7) != 0)
        return false;
    const char *options = strrchr(tail, ' ') + 1;
    if (!list_has(options, controller))
        return false;
    for (int i = 0; i < 3; i++)
        (void)strsep(&line, " ");
    *ret_root = strsep(&line, " ");
    *ret_point = strsep(&line, " ");
    return *ret_point != NULL;
}

/* The directory of the supervisor's own group; a container may see only what is below its own. */
static bool find_own_group(const char *controller, char path[PATH_MAX])
{
    char own[PATH_MAX];
    const char *root, *point;
    if (!find_own_path(controller, own))
        return false;
    for (char *rest = cgroup_read_text(AT_FDCWD, "/proc/self/mountinfo"); rest && *rest;) {
        if (!parse_mount(strsep(&rest, "\n"), controller, &root, &point))
            continue;
        size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (strncmp(own, root, skip) != 0 || strstr(own, "/.."))
            continue;
        const char *below = strcmp(own + skip, "/") == 0 ? "" : own + skip;
        int size = snprintf(path, PATH_MAX, "%s%s", point, below);
        return size > 0 && size < PATH_MAX;
    }
    return false;
}

/* ---- leaves ---- */

static bool record_line(int attempt_dir_fd, const char *word, const char *path)
{
    struct iovec parts[] = {{(void *)(uintptr_t)word, strlen(word)},
                            {(void *)(uintptr_t) " ", 1},
                            {(void *)(uintptr_t)path, strlen(path)},
                            {(void *)(uintptr_t) "\n", 1}};
    ssize_t size = (ssize_t)(parts[0].iov_len + parts[2].iov_len + 2);
    int fd =
        openat(attempt_dir_fd, SUPERVISOR_FILE_CGROUP, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool done = writev(fd, parts, 4) == size;
    return close(fd) == 0 && done;
}

static bool set_memory(int dir_fd, uint64_t bytes)
{
    if (!write_number(dir_fd, "memory.limit_in_bytes", bytes))
        return false;
    (void)write_number(dir_fd, "memory.memsw.limit_in_bytes", bytes); /* absent where swap is not counted */
    return true;
}

static uint64_t quota_us(uint64_t cpus_milli)
{
    uint64_t quota = cpus_milli * (CPU_PERIOD_US / 1000);
    return quota > CPU_QUOTA_US_MIN ? quota : CPU_QUOTA_US_MIN;
}

static bool set_leaf(enum limit limit, int dir_fd, uint64_t amount)
{
    switch (limit) {
    case LIMIT_MEMORY:
        return set_memory(dir_fd, amount);
    case LIMIT_CPU:
        return write_number(dir_fd, "cpu.cfs_period_us", CPU_PERIOD_US) &&
               write_number(dir_fd, "cpu.cfs_quota_us", quota_us(amount));
    case LIMIT_PIDS:
        return write_number(dir_fd, "pids.max", amount);
    case LIMIT_COUNT:
        break;
    }
    return false;
}

/* The supervisor's memory is small: the path is not kept, since the kernel knows it. */
static void drop_leaf(int *leaf_fd)
{
    char path[PATH_MAX];
    char name[48];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", *leaf_fd);
    ssize_t size = readlink(name, path, sizeof path - 1);
    close(*leaf_fd);
    *leaf_fd = -1;
    path[size > 0 ? size : 0] = '\0';
    (void)rmdir(path); /* what keeps it now is removed with the attempt's files */
}

static bool make_leaf(int *leaf_fd, enum limit limit, uint64_t amount, int attempt_dir_fd, const char *name)
{
    char path[PATH_MAX];
    if (!find_own_group(controllers[limit], path) || !cgroup_name_leaf(path, name) ||
        !record_line(attempt_dir_fd, "leaf", path) || mkdir(path, 0755) != 0)
        return false;
    *leaf_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*leaf_fd < 0) {
        (void)rmdir(path);
        return false;
    }
    if (set_leaf(limit, *leaf_fd, amount) && record_line(attempt_dir_fd, controllers[limit], path))
        return true;
    drop_leaf(leaf_fd);
    return false;
}

/* In the version 2 leaf, whose parent is asked to pass the controller on. */
static void set_unified(const struct cgroup *leaf, enum limit limit, uint64_t amount, int attempt_dir_fd)
{
    char text[64];
    bool done = false;
    if (leaf->dir_fd < 0)
        return;
    (void)snprintf(text, sizeof text, "+%s", controllers[limit]);
    (void)write_text(leaf->dir_fd, "../cgroup.subtree_control", text);
    switch (limit) {
    case LIMIT_MEMORY:
        done = write_number(leaf->dir_fd, "memory.max", amount);
        (void)write_text(leaf->dir_fd, "memory.swap.max", "0");
        (void)write_text(leaf->dir_fd, "memory.oom.group", "1");
        break;
    case LIMIT_CPU:
        (void)snprintf(text, sizeof text, "%" PRIu64 " %d", quota_us(amount), CPU_PERIOD_US);
        done = write_text(leaf->dir_fd, "cpu.max", text);
        break;
    case LIMIT_PIDS:
        done = write_number(leaf->dir_fd, "pids.max", amount);
        break;
    case LIMIT_COUNT:
        break;
    }
    if (done)
        (void)record_line(attempt_dir_fd, controllers[limit], leaf->path);
}

void limits_make(struct limits *limits, const struct limit_amounts *amounts, const struct cgroup *leaf,
                 int attempt_dir_fd, const char *name)
{
    const uint64_t wanted[LIMIT_COUNT] = {
        [LIMIT_MEMORY] = amounts->memory_bytes, [LIMIT_CPU] = amounts->cpus_milli, [LIMIT_PIDS] = amounts->pids};
    for (int i = 0; i < LIMIT_COUNT; i++) {
        if (wanted[i] > 0 && !make_leaf(&limits->leaf_fds[i], (enum limit)i, wanted[i], attempt_dir_fd, name))
            set_unified(leaf, (enum limit)i, wanted[i], attempt_dir_fd);
    }
}

void limits_join(const struct limits *limits)
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        if (limits->leaf_fds[i] >= 0)
            (void)write_text(limits->leaf_fds[i], "cgroup.procs", "0");
    }
}

bool limits_oom_killed(const struct limits *limits)
{
    return cgroup_read_value(limits->leaf_fds[LIMIT_MEMORY], "memory.oom_control", "oom_kill") > 0;
}

bool limits_own_oom_killed(void)
{
    char path[PATH_MAX];
    bool unified = !find_own_group(controllers[LIMIT_MEMORY], path);
    if (unified && !cgroup_find_own(path))
        return false;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long long kills = cgroup_read_value(fd, unified ? "memory.events" : "memory.oom_control", "oom_kill");
    if (fd >= 0)
        close(fd);
    return kills > 0;
}

void limits_remove(struct limits *limits)
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        if (limits->leaf_fds[i] >= 0)
            drop_leaf(&limits->leaf_fds[i]);
    }
}
