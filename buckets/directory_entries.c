#include "buckets/directory_entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

void directory_entries_deinit(struct directory_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->names[i]);
    }
    free(entries->names);
    memset(entries, 0, sizeof *entries);
}

static int add(struct directory_entries *entries, const char *name, bool is_directory, struct err *err)
{
    size_t length = strlen(name);
    char *copy;

    if (entries->count == LIMIT_BUCKET_ENTRIES) {
        return err_set(err, ERR_EXHAUSTED, "A directory of the bucket has more than %d entries: it cannot be listed.",
                       LIMIT_BUCKET_ENTRIES);
    }
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity > 0 ? entries->capacity * 2 : 64;
        char **names = realloc(entries->names, capacity * sizeof *names);

        if (!names) {
            return err_set(err, ERR_EXHAUSTED, "no memory to list a bucket");
        }
        entries->names = names;
        entries->capacity = capacity;
    }
    copy = malloc(length + 2);
    if (!copy) {
        return err_set(err, ERR_EXHAUSTED, "no memory to list a bucket");
    }
    memcpy(copy, name, length);
    memcpy(copy + length, is_directory ? "/" : "", is_directory ? 2 : 1);
    entries->names[entries->count++] = copy;
    return 0;
}

/* True: it may be an object's file, or a directory of some. Where a link leads is seen when it is opened. */
static bool classify(int dir_fd, const struct dirent *entry, bool *ret_is_directory)
{
    unsigned char type = entry->d_type;
    struct stat status;

    if (type == DT_UNKNOWN) {
        if (fstatat(dir_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            return false;
        }
        type = S_ISDIR(status.st_mode)   ? DT_DIR
               : S_ISREG(status.st_mode) ? DT_REG
               : S_ISLNK(status.st_mode) ? DT_LNK
                                         : DT_SOCK;
    }
    *ret_is_directory = type == DT_DIR;
    return type == DT_DIR || type == DT_REG || type == DT_LNK;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int read_all(DIR *dir, struct directory_entries *entries, struct err *err)
{
    const struct dirent *entry;
    bool is_directory;

    while ((errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        entries->is_empty = false;
        if (classify(dirfd(dir), entry, &is_directory) && add(entries, entry->d_name, is_directory, err) != 0) {
            return -1;
        }
    }
    return errno == 0 ? 0 : err_set_errno(err, errno, "cannot read a directory of the bucket");
}

int directory_entries_read(int dir_fd, struct directory_entries *ret_entries, struct err *err)
{
    struct directory_entries entries = {.is_empty = true};
    DIR *dir = fdopendir(dir_fd);
    int result;

    if (!dir) {
        err_set_errno(err, errno, "cannot read a directory of the bucket");
        close(dir_fd);
        return -1;
    }
    result = read_all(dir, &entries, err);
    closedir(dir);
    if (result != 0) {
        directory_entries_deinit(&entries);
        return -1;
    }
    if (entries.count > 0) {
        qsort(entries.names, entries.count, sizeof *entries.names, compare);
    }
    *ret_entries = entries;
    return 0;
}
