#include "supervisor/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 8192
#define FIELDS_MAX 7

/* ---- lines of a file ---- */

struct lines {
    int fd;
    size_t at, used;
    char bytes[LINE_BYTES];
};

/* More bytes behind those that are left; false at the end. A line that does not fit loses its beginning, which makes it
 * one that has too few fields. */
static bool read_more(struct lines *lines)
{
    memmove(lines->bytes, lines->bytes + lines->at, lines->used - lines->at);
    lines->used -= lines->at;
    lines->at = 0;
    if (lines->used == LINE_BYTES - 1)
        lines->used = 0;
    ssize_t got;
    do {
        got = read(lines->fd, lines->bytes + lines->used, LINE_BYTES - 1 - lines->used);
    } while (got < 0 && errno == EINTR);
    lines->used += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static char *next_line(struct lines *lines)
{
    for (;;) {
        char *start = lines->bytes + lines->at;
        char *newline = memchr(start, '\n', lines->used - lines->at);
        if (newline) {
            *newline = '\0';
            lines->at = (size_t)(newline + 1 - lines->bytes);
            return start;
        }
        if (!read_more(lines)) {
            if (lines->used == lines->at)
                return NULL;
            lines->bytes[lines->used] = '\0';
            start = lines->bytes + lines->at;
            lines->at = lines->used;
            return start;
        }
    }
}

static size_t split(char *line, char *fields[FIELDS_MAX])
{
    size_t count = 0;
    for (char *rest = line; rest && count < FIELDS_MAX;)
        fields[count++] = strsep(&rest, ":");
    return count;
}

static bool parse_id(const char *text, uint32_t *ret_id)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > UINT32_MAX)
            return false;
        number = number * 10 + (uint64_t)(*text - '0');
    }
    if (number >= UINT32_MAX)
        return false;
    *ret_id = (uint32_t)number;
    return true;
}

/* ---- the files ---- */

/* Finds the line whose name, or else whose number (the third field), is text. False: there is none. */
static bool find_line(const char *path, const char *text, size_t count_min, struct lines *lines,
                      char *fields[FIELDS_MAX])
{
    uint32_t wanted = 0, id;
    bool is_number = parse_id(text, &wanted), found = false;
    char *line;
    lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    lines->at = lines->used = 0;
    while (lines->fd >= 0 && !found && (line = next_line(lines))) {
        if (split(line, fields) < count_min || !parse_id(fields[2], &id))
            continue;
        found = strcmp(fields[0], text) == 0 || (is_number && id == wanted);
    }
    if (lines->fd >= 0)
        close(lines->fd);
    return found;
}

static bool is_member(char *members, const char *name)
{
    for (char *rest = members; rest;) {
        if (strcmp(strsep(&rest, ","), name) == 0)
            return true;
    }
    return false;
}

/* As many as there is room for. */
static size_t find_groups(const char *name, gid_t groups[CONF_GROUPS_MAX], struct lines *lines)
{
    char *fields[FIELDS_MAX], *line;
    size_t count = 0;
    lines->fd = open("/etc/group", O_RDONLY | O_CLOEXEC);
    lines->at = lines->used = 0;
    while (lines->fd >= 0 && count < CONF_GROUPS_MAX && (line = next_line(lines))) {
        uint32_t gid;
        if (split(line, fields) >= 4 && parse_id(fields[2], &gid) && is_member(fields[3], name))
            groups[count++] = gid;
    }
    if (lines->fd >= 0)
        close(lines->fd);
    return count;
}

/* ---- the user ---- */

struct found_user {
    uint32_t uid, gid;
    char name[CONF_USER_BYTES];
    char home[CONF_HOME_BYTES];
};

static int find_user(const char *text, struct found_user *user, struct lines *lines, struct failure *failure)
{
    char *fields[FIELDS_MAX];
    *user = (struct found_user){.home = "/"};
    if (find_line("/etc/passwd", text, 6, lines, fields)) {
        if (!parse_id(fields[2], &user->uid) || !parse_id(fields[3], &user->gid))
            return failure_set(failure, 0, "the image's /etc/passwd has no group for the user %.60s", text);
        (void)snprintf(user->name, sizeof user->name, "%s", fields[0]);
        if (fields[5][0] == '/')
            (void)snprintf(user->home, sizeof user->home, "%s", fields[5]);
        return 0;
    }
    if (!parse_id(text, &user->uid))
        return failure_set(failure, 0, "the image has no user %.60s in its /etc/passwd", text);
    return 0;
}

static int find_group(const char *text, uint32_t *ret_gid, struct lines *lines, struct failure *failure)
{
    char *fields[FIELDS_MAX];
    if (find_line("/etc/group", text, 3, lines, fields) && parse_id(fields[2], ret_gid))
        return 0;
    if (!parse_id(text, ret_gid))
        return failure_set(failure, 0, "the image has no group %.60s in its /etc/group", text);
    return 0;
}

static void set_home(struct conf *conf, const char *home)
{
    char **entry = conf->env;
    for (; *entry; entry++) {
        if (strncmp(*entry, "HOME=", 5) == 0)
            return;
    }
    (void)snprintf(conf->home_entry, sizeof conf->home_entry, "HOME=%s", home);
    entry[0] = conf->home_entry; /* conf_read leaves room for one */
    entry[1] = NULL;
}

int user_find(struct conf *conf, struct failure *failure)
{
    char text[CONF_USER_BYTES];
    struct found_user user;
    struct lines lines;
    memcpy(text, conf->user, sizeof text);
    char *group = text;
    const char *name = strsep(&group, ":");
    if (find_user(name, &user, &lines, failure) != 0)
        return -1;
    if (group && find_group(group, &user.gid, &lines, failure) != 0)
        return -1;
    conf->group_count = group || !user.name[0] ? 0 : find_groups(user.name, conf->groups, &lines);
    conf->has_user = true;
    conf->uid = user.uid;
    conf->gid = user.gid;
    set_home(conf, user.home);
    return 0;
}
