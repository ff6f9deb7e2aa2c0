#include "buckets/tree_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EAGAIN_TRIES 16

int tree_fail(struct err *err, int errno_value, const char *bucket, const char *object)
{
    const char *slash = object[0] != '\0' ? "/" : "";

    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
        return err_set(err, ERR_NOT_FOUND, "No such object: %s%s%.200s", bucket, slash, object);
    case EXDEV:
    case ELOOP:
        return err_set(err, ERR_DENIED, "A symbolic link leads gs://%s%s%.200s out of its bucket.", bucket, slash,
                       object);
    case EACCES:
    case EPERM:
    case EROFS:
        return err_set(err, ERR_DENIED, "The server may not use gs://%s%s%.200s: %s", bucket, slash, object,
                       strerror(errno_value));
    case ENOSPC:
    case EDQUOT:
        return err_set(err, ERR_EXHAUSTED, "There is no room on the disk for gs://%s%s%.200s: %s", bucket, slash,
                       object, strerror(errno_value));
    default:
        return err_set_errno(err, errno_value, "cannot use gs://%s%s%.200s", bucket, slash, object);
    }
}

int tree_open_bucket(const struct bucket_tree *tree, const struct bucket_name *bucket, int *ret_fd, struct err *err)
{
    int fd = tree_open_beneath(tree->root_fd, bucket->text, O_RDONLY | O_DIRECTORY);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return err_set(err, ERR_NOT_FOUND, "The specified bucket does not exist: %s", bucket->text);
    }
    if (fd < 0) {
        return tree_fail(err, errno, bucket->text, "");
    }
    *ret_fd = fd;
    return 0;
}

int tree_open_beneath(int dir_fd, const char *path, int flags)
{
    /* O_NONBLOCK: a pipe that a job has made must not hold us up. */
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = -1;

    /* EAGAIN: something was renamed while the kernel looked. */
    for (int i = 0; i < EAGAIN_TRIES; i++) {
        fd = syscall(SYS_openat2, dir_fd, path[0] == '\0' ? "." : path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN) {
            break;
        }
    }
    return (int)fd;
}

void tree_give_to_owner(int dir_fd, int fd, mode_t mode_mask)
{
    struct stat status;

    if (fstat(dir_fd, &status) != 0) {
        return;
    }
    if (geteuid() == 0 && (status.st_uid != 0 || status.st_gid != 0) && fchown(fd, status.st_uid, status.st_gid) != 0) {
        /* Then it is the server's, which jobs can read if the mode lets them. */
    }
    (void)fchmod(fd, status.st_mode & mode_mask);
}

/* 0; -1 with errno. The new directory's name is durable. */
static int make_directory(int parent_fd, const char *name)
{
    int fd;

    if (mkdirat(parent_fd, name, 0700) != 0) {
        return errno == EEXIST ? 0 : -1;
    }
    fd = tree_open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        tree_give_to_owner(parent_fd, fd, 02777);
        close(fd);
    }
    return fsync(parent_fd);
}

int tree_open_parent(int bucket_fd, const struct object_name *name, bool makes, int *ret_fd, const char **ret_base)
{
    char path[OBJECT_NAME_BYTES_MAX + 1];
    const char *base = strrchr(name->text, '/');
    size_t length = base ? (size_t)(base - name->text) : 0;
    int fd;

    memcpy(path, name->text, length);
    path[length] = '\0';
    fd = tree_open_beneath(bucket_fd, path, O_RDONLY | O_DIRECTORY);
    for (size_t from = 0; fd < 0 && errno == ENOENT && makes && from <= length;) {
        const char *slash = memchr(path + from, '/', length - from);
        size_t to = slash ? (size_t)(slash - path) : length;
        char part[OBJECT_NAME_BYTES_MAX + 1];
        int parent_fd;
        int result;

        memcpy(part, path, from);
        part[from > 0 ? from - 1 : 0] = '\0';
        parent_fd = tree_open_beneath(bucket_fd, part, O_RDONLY | O_DIRECTORY);
        if (parent_fd < 0) {
            return -1;
        }
        memcpy(part, path + from, to - from);
        part[to - from] = '\0';
        result = make_directory(parent_fd, part);
        close(parent_fd);
        if (result != 0) {
            return -1;
        }
        from = to + 1;
        if (from > length) {
            fd = tree_open_beneath(bucket_fd, path, O_RDONLY | O_DIRECTORY);
        } else {
            errno = ENOENT;
        }
    }
    if (fd < 0) {
        return -1;
    }
    *ret_fd = fd;
    *ret_base = base ? base + 1 : name->text;
    return 0;
}

void tree_prune(int bucket_fd, const struct object_name *name)
{
    struct object_name left = *name;
    char *slash = strrchr(left.text, '/');

    while (slash) {
        const char *base;
        int parent_fd;
        int result;

        *slash = '\0';
        if (tree_open_parent(bucket_fd, &left, false, &parent_fd, &base) != 0) {
            return;
        }
        result = unlinkat(parent_fd, base, AT_REMOVEDIR);
        if (result == 0) {
            (void)fsync(parent_fd);
        }
        close(parent_fd);
        if (result != 0) {
            return; /* it is not empty, or somebody else's */
        }
        slash = strrchr(left.text, '/');
    }
}

int64_t tree_unix_us(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}
