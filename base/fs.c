#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PAUSE_MS 5
#define LOCK_WAIT_MS 2000

static int fail(struct err *err, int errno_value, const char *act, const char *path)
{
    err_set_errno(err, errno_value, "cannot %s %s", act, path);
    switch (errno_value) {
    case ENOENT:
        err->code = ERR_NOT_FOUND;
        break;
    case EEXIST:
        err->code = ERR_EXISTS;
        break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        err->code = ERR_EXHAUSTED;
        break;
    default:
        break;
    }
    return -1;
}

/* What a handle is called in messages: its path, as the kernel knows it. */
static const char *path_of(int file, char *buffer, size_t size)
{
    char link[32];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, buffer, size - 1);
    if (length <= 0) {
        snprintf(buffer, size, "file %d", file);
    } else {
        buffer[length] = '\0';
    }
    return buffer;
}

static int fail_file(struct err *err, int errno_value, const char *act, int file)
{
    char path[256];

    return fail(err, errno_value, act, path_of(file, path, sizeof path));
}

static int system_open(const struct fs *fs, const char *path, unsigned flags, int *ret_file, struct err *err)
{
    int mode = (flags & FS_READ) ? O_RDONLY : O_RDWR;
    int file;

    (void)fs;
    mode |= O_CLOEXEC | O_NOFOLLOW;
    mode |= (flags & FS_CREATE) ? O_CREAT | O_EXCL : 0;
    mode |= (flags & FS_DIRECT) && !(flags & FS_CREATE) ? O_DIRECT : 0;
    mode |= (flags & FS_DATA_SYNC) ? O_DSYNC : 0;
    do {
        file = open(path, mode, 0600);
    } while (file < 0 && errno == EINTR);
    if (file < 0 && errno == EINVAL && (flags & FS_DIRECT)) {
        /* tmpfs and some others have no O_DIRECT; the promise of the other flags still holds. */
        return system_open(fs, path, flags & ~(unsigned)FS_DIRECT, ret_file, err);
    }
    if (file < 0) {
        return fail(err, errno, "open", path);
    }
    if ((flags & FS_CREATE) && (flags & FS_DIRECT)) {
        /* Asked for while it is made, O_DIRECT is refused by a file system without it only once the file is there. */
        (void)fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_DIRECT);
    }
    *ret_file = file;
    return 0;
}

static void system_close(const struct fs *fs, int file)
{
    (void)fs;
    close(file);
}

static int system_write_at(const struct fs *fs, int file, const void *data, size_t size, uint64_t offset,
                           struct err *err)
{
    const char *rest = data;

    (void)fs;
    while (size > 0) {
        ssize_t written = pwrite(file, rest, size, (off_t)offset);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return fail_file(err, errno, "write to", file);
        }
        if (written == 0) {
            return fail_file(err, ENOSPC, "write to", file);
        }
        rest += written;
        size -= (size_t)written;
        offset += (uint64_t)written;
    }
    return 0;
}

static int system_read_at(const struct fs *fs, int file, void *data, size_t size, uint64_t offset, size_t *ret_size,
                          struct err *err)
{
    size_t done = 0;

    (void)fs;
    while (done < size) {
        ssize_t got = pread(file, (char *)data + done, size - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_file(err, errno, "read", file);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *ret_size = done;
    return 0;
}

static int system_size(const struct fs *fs, int file, uint64_t *ret_size, struct err *err)
{
    struct stat status;

    (void)fs;
    if (fstat(file, &status) != 0) {
        return fail_file(err, errno, "look at", file);
    }
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

static int system_truncate(const struct fs *fs, int file, uint64_t size, struct err *err)
{
    (void)fs;
    return ftruncate(file, (off_t)size) == 0 ? 0 : fail_file(err, errno, "set the size of", file);
}

static int system_sync(const struct fs *fs, int file, struct err *err)
{
    (void)fs;
    return fdatasync(file) == 0 ? 0 : fail_file(err, errno, "sync", file);
}

static int system_sync_dir(const struct fs *fs, const char *path, struct err *err)
{
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = 0;

    (void)fs;
    if (file < 0) {
        int errno_value = errno;

        fail(err, errno_value, "open directory", path);
        err->code = errno_value == EACCES ? ERR_DENIED : err->code;
        return -1;
    }
    if (fsync(file) != 0) {
        result = fail(err, errno, "sync directory", path);
    }
    close(file);
    return result;
}

static int system_rename(const struct fs *fs, const char *from, const char *to, struct err *err)
{
    (void)fs;
    return rename(from, to) == 0 ? 0 : fail(err, errno, "rename", from);
}

static int system_remove(const struct fs *fs, const char *path, struct err *err)
{
    (void)fs;
    return unlink(path) == 0 ? 0 : fail(err, errno, "remove", path);
}

static int system_make_dir(const struct fs *fs, const char *path, struct err *err)
{
    struct stat status;

    (void)fs;
    if (mkdir(path, 0700) == 0) {
        return 0;
    }
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return 0;
    }
    return fail(err, errno, "make directory", path);
}

static int system_list(const struct fs *fs, const char *path, fs_list_fn visit, void *context, struct err *err)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    (void)fs;
    if (!directory) {
        return fail(err, errno, "list directory", path);
    }
    errno = 0;
    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(context, entry->d_name);
        }
        errno = 0;
    }
    if (errno != 0) {
        int errno_value = errno;

        closedir(directory);
        return fail(err, errno_value, "list directory", path);
    }
    closedir(directory);
    return 0;
}

static int fail_locked(struct err *err, const char *path, int file)
{
    /* Classic locks tell their holder; an open-file-description lock tells -1, and then the file's text does. */
    char holder[32] = {0};
    ssize_t length = pread(file, holder, sizeof holder - 1, 0);

    if (length > 0) {
        holder[strcspn(holder, "\n")] = '\0';
    }
    close(file);
    return err_set(err, ERR_IN_USE, "%s is locked by another process (pid %s)", path, length > 0 ? holder : "unknown");
}

/* The file's text names a process that is no more. */
static bool is_holder_dead(int file)
{
    char holder[32] = {0};
    long pid = pread(file, holder, sizeof holder - 1, 0) > 0 ? strtol(holder, NULL, 10) : 0;

    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* A process killed while it started another leaves the lock with that one until its exec, which is soon: a dead
 * holder is waited for. Returns 0 or errno. */
static int take_lock(int file)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    for (int waited_ms = 0; fcntl(file, F_OFD_SETLK, &range) != 0; waited_ms += LOCK_PAUSE_MS) {
        int errno_value = errno;

        if ((errno_value != EAGAIN && errno_value != EACCES) || waited_ms >= LOCK_WAIT_MS || !is_holder_dead(file)) {
            return errno_value;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int system_lock(const struct fs *fs, const char *path, int *ret_file, struct err *err)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    char holder[32];
    int errno_value;
    int length;

    (void)fs;
    if (file < 0) {
        return fail(err, errno, "open", path);
    }
    errno_value = take_lock(file);
    if (errno_value != 0) {
        if (errno_value == EAGAIN || errno_value == EACCES) {
            return fail_locked(err, path, file);
        }
        close(file);
        return fail(err, errno_value, "lock", path);
    }
    length = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    /* Over what stood there, and only then cut: on a full disk an emptied file gets no block any more. */
    if (pwrite(file, holder, (size_t)length, 0) != length || ftruncate(file, length) != 0) {
        errno_value = errno;
        close(file);
        return fail(err, errno_value, "write the holder's pid to", path);
    }
    *ret_file = file;
    return 0;
}

static int system_free_bytes(const struct fs *fs, const char *path, uint64_t *ret_bytes, struct err *err)
{
    struct statvfs status;

    (void)fs;
    if (statvfs(path, &status) != 0) {
        return fail(err, errno, "look at the file system of", path);
    }
    *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return 0;
}

const struct fs *fs_system(void)
{
    static const struct fs system_fs = {
        .open = system_open,
        .close = system_close,
        .write_at = system_write_at,
        .read_at = system_read_at,
        .size = system_size,
        .truncate = system_truncate,
        .sync = system_sync,
        .sync_dir = system_sync_dir,
        .rename = system_rename,
        .remove = system_remove,
        .make_dir = system_make_dir,
        .list = system_list,
        .lock = system_lock,
        .free_bytes = system_free_bytes,
    };

    return &system_fs;
}
