#include "buckets/bucket_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "buckets/tree_path.h"

#define HIDDEN ".customjobd"

/* ---- life ---- */

static int open_own(int parent_fd, const char *name, const char *dir, int *ret_fd, struct err *err)
{
    if (mkdirat(parent_fd, name, 0700) != 0 && errno != EEXIST) {
        return err_set_errno(err, errno, "cannot make %s/" HIDDEN, dir);
    }
    *ret_fd = tree_open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return *ret_fd >= 0 ? 0 : err_set_errno(err, errno, "cannot open %s/" HIDDEN, dir);
}

static int open_parts(struct bucket_tree *tree, const char *dir, struct err *err)
{
    int hidden_fd = -1;
    int result;

    tree->root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree->root_fd < 0) {
        return err_set_errno(err, errno, "cannot open the buckets directory %s", dir);
    }
    if (open_own(tree->root_fd, HIDDEN, dir, &hidden_fd, err) != 0) {
        return -1;
    }
    result = open_own(hidden_fd, "unfinished", dir, &tree->unfinished_fd, err) == 0 &&
                     open_own(hidden_fd, "uploads", dir, &tree->uploads_fd, err) == 0
                 ? 0
                 : -1;
    if (result == 0 && (fsync(hidden_fd) != 0 || fsync(tree->root_fd) != 0)) {
        result = err_set_errno(err, errno, "cannot make %s/" HIDDEN " durable", dir);
    }
    close(hidden_fd);
    return result;
}

int bucket_tree_open(const char *dir, struct bucket_tree **ret_tree, struct err *err)
{
    struct bucket_tree *tree = calloc(1, sizeof *tree);

    if (!tree) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the buckets");
    }
    tree->root_fd = tree->unfinished_fd = tree->uploads_fd = -1;
    pthread_mutex_init(&tree->lock, NULL);
    if (open_parts(tree, dir, err) != 0) {
        bucket_tree_close(tree);
        return -1;
    }
    *ret_tree = tree;
    return 0;
}

void bucket_tree_close(struct bucket_tree *tree)
{
    if (!tree) {
        return;
    }
    if (tree->root_fd >= 0) {
        close(tree->root_fd);
    }
    if (tree->unfinished_fd >= 0) {
        close(tree->unfinished_fd);
    }
    if (tree->uploads_fd >= 0) {
        close(tree->uploads_fd);
    }
    pthread_mutex_destroy(&tree->lock);
    free(tree);
}

/* ---- one bucket ---- */

static int read_info(int fd, const struct bucket_name *name, struct bucket_info *ret_info, struct err *err)
{
    struct statx status;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME | STATX_CTIME, &status) != 0) {
        return tree_fail(err, errno, name->text, "");
    }
    ret_info->name = *name;
    ret_info->updated_unix_us = status.stx_mtime.tv_sec * 1000000 + status.stx_mtime.tv_nsec / 1000;
    ret_info->created_unix_us = status.stx_mask & STATX_BTIME
                                    ? status.stx_btime.tv_sec * 1000000 + status.stx_btime.tv_nsec / 1000
                                    : status.stx_ctime.tv_sec * 1000000 + status.stx_ctime.tv_nsec / 1000;
    return 0;
}

int bucket_stat(struct bucket_tree *tree, const struct bucket_name *name, struct bucket_info *ret_info, struct err *err)
{
    int fd;
    int result;

    if (tree_open_bucket(tree, name, &fd, err) != 0) {
        return -1;
    }
    result = read_info(fd, name, ret_info, err);
    close(fd);
    return result;
}

int bucket_make(struct bucket_tree *tree, const struct bucket_name *name, struct bucket_info *ret_info, struct err *err)
{
    int fd;

    if (mkdirat(tree->root_fd, name->text, 0700) != 0) {
        return errno == EEXIST ? err_set(err, ERR_EXISTS,
                                         "Your previous request to create the named bucket succeeded and you already "
                                         "own it: %s",
                                         name->text)
                               : tree_fail(err, errno, name->text, "");
    }
    fd = tree_open_beneath(tree->root_fd, name->text, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return tree_fail(err, errno, name->text, "");
    }
    tree_give_to_owner(tree->root_fd, fd, 02777);
    close(fd);
    return fsync(tree->root_fd) == 0 ? bucket_stat(tree, name, ret_info, err) : tree_fail(err, errno, name->text, "");
}

int bucket_remove(struct bucket_tree *tree, const struct bucket_name *name, struct err *err)
{
    int fd;

    if (tree_open_bucket(tree, name, &fd, err) != 0) {
        return -1;
    }
    close(fd);
    if (unlinkat(tree->root_fd, name->text, AT_REMOVEDIR) != 0) {
        return errno == ENOTEMPTY || errno == EEXIST
                   ? err_set(err, ERR_PRECONDITION, "The bucket you tried to delete is not empty: %s", name->text)
                   : tree_fail(err, errno, name->text, "");
    }
    return fsync(tree->root_fd) == 0 ? 0 : tree_fail(err, errno, name->text, "");
}

/* ---- all of them ---- */

struct names {
    struct bucket_name *items;
    size_t count;
    size_t capacity;
};

static int add_name(struct names *names, const struct bucket_name *name, struct err *err)
{
    if (names->count == LIMIT_BUCKET_ENTRIES) {
        return err_set(err, ERR_EXHAUSTED, "There are more than %d buckets.", LIMIT_BUCKET_ENTRIES);
    }
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? names->capacity * 2 : 64;
        struct bucket_name *items = realloc(names->items, capacity * sizeof *items);

        if (!items) {
            return err_set(err, ERR_EXHAUSTED, "no memory to list the buckets");
        }
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count++] = *name;
    return 0;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct bucket_name *)left)->text, ((const struct bucket_name *)right)->text);
}

static int compare_to_span(const char *text, struct span span)
{
    size_t length = strlen(text);
    size_t common = length < span.size ? length : span.size;
    int order = common > 0 ? memcmp(text, span.data, common) : 0;

    return order != 0 ? order : length < span.size ? -1 : length > span.size;
}

static int read_names(const struct bucket_tree *tree, struct span prefix, struct span after, struct names *names,
                      struct err *err)
{
    int fd = tree_open_beneath(tree->root_fd, "", O_RDONLY | O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    int result = 0;

    if (!dir) {
        err_set_errno(err, errno, "cannot list the buckets");
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    while (result == 0 && (errno = 0, entry = readdir(dir))) {
        struct err unfit = ERR_INIT;
        struct bucket_name name;

        if (bucket_name_read(span_of(entry->d_name), &name, &unfit) == 0 &&
            span_starts_with(span_of(name.text), prefix) && compare_to_span(name.text, after) > 0) {
            result = add_name(names, &name, err);
        }
    }
    if (result == 0 && errno != 0) {
        result = err_set_errno(err, errno, "cannot list the buckets");
    }
    closedir(dir);
    return result;
}

int bucket_list(struct bucket_tree *tree, struct span prefix, struct span after, uint32_t count_max,
                struct bucket_info **ret_infos, uint32_t *ret_count, bool *ret_more, struct err *err)
{
    struct names names = {.items = NULL};
    struct bucket_info *infos = NULL;
    uint32_t count = 0;
    size_t i = 0;

    if (read_names(tree, prefix, after, &names, err) != 0) {
        free(names.items);
        return -1;
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof *names.items, compare_names);
    }
    infos = calloc((names.count < count_max ? names.count : count_max) + 1, sizeof *infos);
    if (!infos) {
        free(names.items);
        return err_set(err, ERR_EXHAUSTED, "no memory to list the buckets");
    }
    for (; i < names.count && count < count_max; i++) {
        struct err passed = ERR_INIT; /* a plain file, or gone meanwhile */

        count += bucket_stat(tree, &names.items[i], &infos[count], &passed) == 0 ? 1 : 0;
    }
    *ret_more = i < names.count;
    free(names.items);
    *ret_infos = infos;
    *ret_count = count;
    return 0;
}
