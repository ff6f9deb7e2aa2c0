/* The three files are small and read whole; the two lists of strings stay mapped until the process is made. */
#include "supervisor/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/supervisor_wire.h"

/* Above what any kernel takes in an exec. */
#define STRINGS_BYTES_MAX (8 * 1024 * 1024)
#define CONF_BYTES_MAX (64 * 1024)
#define GRACE_MS_DEFAULT 30000
#define LOG_BYTES_DEFAULT (64 * 1024 * 1024)

static int read_all(int fd, char *to, size_t size, const char *name, struct failure *failure)
{
    size_t at = 0;
    while (at < size) {
        ssize_t got = read(fd, to + at, size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure_set(failure, errno, "read %s", name);
        if (got == 0)
            return failure_set(failure, 0, "%s changed while it was read", name);
        at += (size_t)got;
    }
    return 0;
}

/* Memory that conf_forget_strings gives back. */
static void *map_memory(struct conf *conf, size_t size, const char *name, struct failure *failure)
{
    void *start = MAP_FAILED;
    if (conf->mapping_count < CONF_MAPPINGS_MAX)
        start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        (void)failure_set(failure, errno, "map %s", name);
        return NULL;
    }
    conf->mappings[conf->mapping_count++] = (struct conf_mapping){start, size};
    return start;
}

void conf_forget_strings(struct conf *conf)
{
    while (conf->mapping_count > 0) {
        const struct conf_mapping *last = &conf->mappings[--conf->mapping_count];
        (void)munmap(last->start, last->size);
    }
    conf->argv = NULL;
    conf->env = NULL;
    conf->workdir = NULL;
    conf->buckets_dir = NULL;
    conf->bind_count = 0;
}

/* The file's bytes and a NUL behind them. */
static int map_file(int dir_fd, const char *name, size_t bytes_max, struct conf *conf, char **ret_bytes,
                    size_t *ret_size, struct failure *failure)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return failure_set(failure, errno, "open %s", name);
    struct stat status;
    int result = -1;
    if (fstat(fd, &status) != 0) {
        (void)failure_set(failure, errno, "stat %s", name);
    } else if (status.st_size < 0 || (uint64_t)status.st_size > bytes_max) {
        (void)failure_set(failure, 0, "%s is longer than %zu bytes", name, bytes_max);
    } else {
        size_t size = (size_t)status.st_size;
        char *bytes = map_memory(conf, size + 1, name, failure);
        if (bytes && read_all(fd, bytes, size, name, failure) == 0) {
            *ret_bytes = bytes;
            *ret_size = size;
            result = 0;
        }
    }
    close(fd);
    return result;
}

static int read_strings(int dir_fd, const char *name, size_t count_min, struct conf *conf, char ***ret_strings,
                        struct failure *failure)
{
    char *bytes;
    size_t size;
    if (map_file(dir_fd, name, STRINGS_BYTES_MAX, conf, &bytes, &size, failure) != 0)
        return -1;
    if (size > 0 && bytes[size - 1] != '\0')
        return failure_set(failure, 0, "%s does not end with a NUL", name);
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += bytes[i] == '\0';
    if (count < count_min)
        return failure_set(failure, 0, "%s is empty", name);
    /* One more, and room for another that is found out later (user.h). */
    char **strings = map_memory(conf, (count + 2) * sizeof *strings, name, failure);
    if (!strings)
        return -1;
    char *at = bytes;
    for (size_t i = 0; i < count; i++) {
        strings[i] = at;
        at += strlen(at) + 1;
    }
    strings[count] = NULL;
    *ret_strings = strings;
    return 0;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(*text - '0');
    }
    if (number > max)
        return false;
    *ret_number = number;
    return true;
}

static bool parse_path(const char *text, const char **ret_path)
{
    if (text[0] != '/' || strlen(text) >= PATH_MAX)
        return false;
    *ret_path = text;
    return true;
}

static bool parse_bind(char *text, struct conf *conf)
{
    const char *point = strrchr(text, ':');
    if (text[0] != '/' || !point || conf->bind_count == CONF_BINDS_MAX || strstr(point, "/..") ||
        (strncmp(point, ":/mnt/nfs/", 10) != 0 && strncmp(point, ":/mnt/lustre/", 13) != 0))
        return false;
    conf->binds[conf->bind_count++] = text;
    return true;
}

static bool parse_user(const char *text, char user[CONF_USER_BYTES])
{
    if (text[0] == '\0' || strlen(text) >= CONF_USER_BYTES)
        return false;
    memcpy(user, text, strlen(text) + 1);
    return true;
}

static bool parse_yes(const char *text, bool *ret_yes)
{
    *ret_yes = strcmp(text, "yes") == 0;
    return *ret_yes || strcmp(text, "no") == 0;
}

static bool parse_groups(char *text, struct conf *conf)
{
    char *rest = *text ? text : NULL;
    while (rest) {
        char *item = strsep(&rest, ",");
        uint64_t number;
        if (conf->group_count == CONF_GROUPS_MAX || !parse_number(item, UINT32_MAX - 1, &number))
            return false;
        conf->groups[conf->group_count++] = (gid_t)number;
    }
    return true;
}

enum conf_key {
    KEY_UID,
    KEY_GID,
    KEY_GROUPS,
    KEY_USER,
    KEY_GRACE_MS,
    KEY_LOG_BYTES_MAX,
    KEY_LOG_BYTES_PER_S_MAX,
    KEY_LOG_OVERFLOW,
    KEY_WORKDIR,
    KEY_CGROUP,
    KEY_NO_NEW_PRIVILEGES,
    KEY_OPEN_FILES,
    KEY_MEMORY_BYTES_MAX,
    KEY_CPUS_MILLI_MAX,
    KEY_PIDS_MAX,
    KEY_BIND,
    KEY_BUCKETS_DIR,
    KEY_COUNT
};

static const char *const key_names[] = {
    [KEY_UID] = "uid",
    [KEY_GID] = "gid",
    [KEY_GROUPS] = "groups",
    [KEY_USER] = "user",
    [KEY_GRACE_MS] = "grace_ms",
    [KEY_LOG_BYTES_MAX] = "log_bytes_max",
    [KEY_LOG_BYTES_PER_S_MAX] = "log_bytes_per_s_max",
    [KEY_LOG_OVERFLOW] = "log_overflow",
    [KEY_WORKDIR] = "workdir",
    [KEY_CGROUP] = "cgroup",
    [KEY_NO_NEW_PRIVILEGES] = "no_new_privileges",
    [KEY_OPEN_FILES] = "open_files",
    [KEY_MEMORY_BYTES_MAX] = "memory_bytes_max",
    [KEY_CPUS_MILLI_MAX] = "cpus_milli_max",
    [KEY_PIDS_MAX] = "pids_max",
    [KEY_BIND] = "bind",
    [KEY_BUCKETS_DIR] = "buckets_dir",
};
_Static_assert(sizeof key_names / sizeof key_names[0] == KEY_COUNT, "every key has its name");

static bool set_key(struct conf *conf, enum conf_key key, char *value)
{
    uint64_t number = 0;
    bool right = false;
    switch (key) {
    case KEY_UID:
        right = parse_number(value, UINT32_MAX - 1, &number);
        conf->uid = (uid_t)number;
        return right;
    case KEY_GID:
        right = parse_number(value, UINT32_MAX - 1, &number);
        conf->gid = (gid_t)number;
        return right;
    case KEY_GROUPS:
        return parse_groups(value, conf);
    case KEY_USER:
        return parse_user(value, conf->user);
    case KEY_GRACE_MS:
        right = parse_number(value, UINT32_MAX, &number);
        conf->grace_ms = (uint32_t)number;
        return right;
    case KEY_LOG_BYTES_MAX:
        return parse_number(value, INT64_MAX, &conf->logs.bytes_max);
    case KEY_LOG_BYTES_PER_S_MAX:
        return parse_number(value, INT32_MAX, &conf->logs.bytes_per_s_max) && conf->logs.bytes_per_s_max > 0;
    case KEY_LOG_OVERFLOW:
        conf->logs.waits = strcmp(value, "wait") == 0;
        return conf->logs.waits || strcmp(value, "drop") == 0;
    case KEY_WORKDIR:
        return parse_path(value, &conf->workdir);
    case KEY_CGROUP:
        conf->cgroup_of_engine = strcmp(value, "engine") == 0;
        return parse_yes(value, &conf->cgroup) || conf->cgroup_of_engine;
    case KEY_NO_NEW_PRIVILEGES:
        return parse_yes(value, &conf->no_new_privileges);
    case KEY_OPEN_FILES:
        return parse_number(value, INT64_MAX, &conf->open_files) && conf->open_files > 0;
    case KEY_MEMORY_BYTES_MAX:
        return parse_number(value, INT64_MAX, &conf->limits.memory_bytes) && conf->limits.memory_bytes > 0;
    case KEY_CPUS_MILLI_MAX:
        return parse_number(value, UINT32_MAX, &conf->limits.cpus_milli) && conf->limits.cpus_milli > 0;
    case KEY_PIDS_MAX:
        return parse_number(value, INT32_MAX, &conf->limits.pids) && conf->limits.pids > 0;
    case KEY_BIND:
        return parse_bind(value, conf);
    case KEY_BUCKETS_DIR:
        return parse_path(value, &conf->buckets_dir);
    case KEY_COUNT:
        break;
    }
    return false;
}

static int parse_line(struct conf *conf, char *line, unsigned *seen, struct failure *failure)
{
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    char *value = line;
    const char *name = strsep(&value, "=");
    if (!value)
        return failure_set(failure, 0, "conf: \"%s\" is not key=value", name);
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        if (strcmp(name, key_names[key]) != 0)
            continue;
        if (*seen & 1u << key && key != KEY_BIND)
            return failure_set(failure, 0, "conf: %s stands twice", name);
        *seen |= 1u << key;
        if (!set_key(conf, (enum conf_key)key, value))
            return failure_set(failure, 0, "conf: %s has no right value", name);
        return 0;
    }
    return failure_set(failure, 0, "conf: no such key: %s", name);
}

int conf_read(int dir_fd, struct conf *ret_conf, struct failure *failure)
{
    char *text;
    size_t size;
    memset(ret_conf, 0, offsetof(struct conf, user));
    ret_conf->user[0] = '\0';
    if (map_file(dir_fd, SUPERVISOR_FILE_CONF, CONF_BYTES_MAX, ret_conf, &text, &size, failure) != 0)
        return -1;
    if (strlen(text) != size)
        return failure_set(failure, 0, "conf holds a NUL");
    ret_conf->grace_ms = GRACE_MS_DEFAULT;
    ret_conf->logs.bytes_max = LOG_BYTES_DEFAULT;
    ret_conf->cgroup = true;
    ret_conf->no_new_privileges = true;
    unsigned seen = 0;
    for (char *rest = text; rest;) {
        if (parse_line(ret_conf, strsep(&rest, "\n"), &seen, failure) != 0)
            return -1;
    }
    bool uid = seen & 1u << KEY_UID, gid = seen & 1u << KEY_GID;
    if (uid != gid || (ret_conf->group_count > 0 && !uid))
        return failure_set(failure, 0, "conf: uid and gid stand together, groups only with them");
    if (uid && ret_conf->user[0])
        return failure_set(failure, 0, "conf: user stands in place of uid and gid");
    ret_conf->has_user = uid;
    if (read_strings(dir_fd, SUPERVISOR_FILE_ARGV, 1, ret_conf, &ret_conf->argv, failure) != 0)
        return -1;
    return read_strings(dir_fd, SUPERVISOR_FILE_ENV, 0, ret_conf, &ret_conf->env, failure);
}
