#include "job/mount_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNT_POINT_BYTES_MAX 128

struct entry {
    enum mount_kind kind;
    char *server;
    char *path;
    char *dir;
};

struct mount_map {
    struct entry *entries;
    size_t count;
};

static size_t count_of(const char *const *list)
{
    size_t count = 0;

    while (list && list[count]) {
        count++;
    }
    return count;
}

static const char *flag_of(enum mount_kind kind)
{
    return kind == MOUNT_NFS ? "--nfs-map" : "--lustre-map";
}

/* A brackets' colon is none that parts. */
static const char *find_colon(const char *text)
{
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;

    return strchr(bracket ? bracket : text, ':');
}

static int take_entry(struct entry *entry, enum mount_kind kind, const char *text, struct err *err)
{
    const char *colon = find_colon(text), *equals = strrchr(text, '=');
    struct stat status;

    if (!colon || !equals || colon == text || colon + 1 >= equals || equals[1] != '/') {
        return err_set(err, ERR_INVALID, "%s %s: write it as %s=/absolute/directory", flag_of(kind), text,
                       kind == MOUNT_NFS ? "SERVER:PATH" : "ADDRESS:FILESYSTEM");
    }
    *entry = (struct entry){kind, strndup(text, (size_t)(colon - text)),
                            strndup(colon + 1, (size_t)(equals - colon - 1)), realpath(equals + 1, NULL)};
    if (!entry->dir || stat(entry->dir, &status) != 0) {
        return err_set(err, ERR_INVALID, "%s %s: %s", flag_of(kind), text, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode) || strpbrk(entry->dir, ":\n")) {
        return err_set(err, ERR_INVALID, "%s %s: %s, or its name has a colon or a line break in it", flag_of(kind),
                       text, "this is no directory");
    }
    return entry->server && entry->path ? 0 : err_set(err, ERR_EXHAUSTED, "no memory for %s", flag_of(kind));
}

static int take_list(struct mount_map *map, enum mount_kind kind, const char *const *list, struct err *err)
{
    for (; list && *list; list++) {
        struct entry *entry = &map->entries[map->count++];

        if (take_entry(entry, kind, *list, err)) {
            return -1;
        }
        for (size_t i = 0; i + 1 < map->count; i++) {
            if (map->entries[i].kind == kind && strcmp(map->entries[i].server, entry->server) == 0 &&
                strcmp(map->entries[i].path, entry->path) == 0) {
                return err_set(err, ERR_INVALID, "%s %s: another entry says where that is", flag_of(kind), *list);
            }
        }
    }
    return 0;
}

int mount_map_create(const char *const *nfs, const char *const *lustre, struct mount_map **ret_map, struct err *err)
{
    size_t count = count_of(nfs) + count_of(lustre);
    struct mount_map *map;

    *ret_map = NULL;
    if (count == 0) {
        return 0;
    }
    map = calloc(1, sizeof *map);
    if (map) {
        map->entries = calloc(count, sizeof *map->entries);
    }
    if (!map || !map->entries) {
        free(map);
        return err_set(err, ERR_EXHAUSTED, "no memory for --nfs-map");
    }
    if (take_list(map, MOUNT_NFS, nfs, err) || take_list(map, MOUNT_LUSTRE, lustre, err)) {
        mount_map_destroy(map);
        return -1;
    }
    *ret_map = map;
    return 0;
}

void mount_map_destroy(struct mount_map *map)
{
    if (!map) {
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        free(map->entries[i].server);
        free(map->entries[i].path);
        free(map->entries[i].dir);
    }
    free(map->entries);
    free(map);
}

const char *mount_map_find(const struct mount_map *map, enum mount_kind kind, struct span server, struct span path)
{
    for (size_t i = 0; map && i < map->count; i++) {
        const struct entry *entry = &map->entries[i];

        if (entry->kind == kind && span_equal_text(server, entry->server) && span_equal_text(path, entry->path)) {
            return entry->dir;
        }
    }
    return NULL;
}

bool mount_point_is_name(struct span mount_point)
{
    if (mount_point.size == 0 || mount_point.size > MOUNT_POINT_BYTES_MAX || mount_point.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < mount_point.size; i++) {
        char c = mount_point.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-')) {
            return false;
        }
    }
    return true;
}
