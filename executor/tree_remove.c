#include "executor/tree_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 32
/* Every pass empties what it saw; only somebody who keeps writing needs many, or a chain of many times the depth. */
#define PASSES_MAX 100000

struct removal {
    int root_fd;
    uint64_t moved_count; /* directories moved up to the root so far */
    bool moved;           /* one in this pass: another one is needed */
    tree_remove_cancel_fn is_cancelled;
    void *context;
    struct err *err;
    bool failed;
};

/* The first failure stays. */
static void fail(struct removal *removal, const char *verb, const char *name)
{
    if (!removal->failed) {
        removal->failed = true;
        err_set_errno(removal->err, errno, "cannot %s %s", verb, name);
    }
}

static bool shall_end(struct removal *removal)
{
    if (!removal->is_cancelled(removal->context)) {
        return false;
    }
    if (!removal->failed) {
        removal->failed = true;
        err_set(removal->err, ERR_UNAVAILABLE, "removal was interrupted");
    }
    return true;
}

/* EXDEV where something is mounted: what a replica that is root bound into its home is not the replica's. Kernels before
 * 5.6 and filters of calls do not know of this. */
static int open_below(int at_fd, const char *name)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV};
    long fd = syscall(SYS_openat2, at_fd, name, &how, sizeof how);

    return fd < 0 && (errno == ENOSYS || errno == EPERM) ? openat(at_fd, name, (int)how.flags) : (int)fd;
}

/* The directory with the right to empty it. Takes the one that was opened over, -1 with errno too. */
static int open_to_empty(int fd)
{
    int open_fd;
    char path[40];
    struct stat status;

    if (fd < 0) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fstat(fd, &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) {
        (void)chmod(path, S_IRWXU); /* if it does not help, the next call says why */
    }
    open_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(fd);
    return open_fd;
}

static void move_up(struct removal *removal, int at_fd, const char *name)
{
    char up[40];

    (void)snprintf(up, sizeof up, ".deep-%llu", (unsigned long long)removal->moved_count++);
    /* Or the name is taken, by us before a crash or by the replica: the next number. */
    if (renameat(at_fd, name, removal->root_fd, up) == 0 || errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR) {
        removal->moved = true;
    } else {
        fail(removal, "move", name);
    }
}

static void empty(struct removal *removal, int dir_fd, int depth);

static void remove_dir(struct removal *removal, int at_fd, const char *name, int depth)
{
    int fd = open_to_empty(open_below(at_fd, name));

    if (fd < 0 && errno == ENOENT) {
        return;
    }
    if (fd < 0) {
        fail(removal, "open", name);
        return;
    }
    if (depth == DEPTH_MAX) {
        close(fd);
        move_up(removal, at_fd, name);
        return;
    }
    empty(removal, fd, depth);
    if (unlinkat(at_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return;
    }
    if (errno == ENOTEMPTY || errno == EEXIST) {
        removal->moved = true; /* written to meanwhile, or what is left in it failed by itself */
    } else {
        fail(removal, "remove", name);
    }
}

static void remove_entry(struct removal *removal, int dir_fd, const struct dirent *entry, int depth)
{
    if (entry->d_type != DT_DIR && (unlinkat(dir_fd, entry->d_name, 0) == 0 || errno == ENOENT)) {
        return;
    }
    if (entry->d_type == DT_DIR || errno == EISDIR) {
        remove_dir(removal, dir_fd, entry->d_name, depth + 1);
    } else {
        fail(removal, "remove", entry->d_name);
    }
}

/* Takes dir_fd over. */
static void empty(struct removal *removal, int dir_fd, int depth)
{
    DIR *dir = fdopendir(dir_fd);
    const struct dirent *entry;

    if (!dir) {
        fail(removal, "read", "a directory");
        close(dir_fd);
        return;
    }
    while (!shall_end(removal) && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            remove_entry(removal, dir_fd, entry, depth);
        }
    }
    (void)closedir(dir);
}

int tree_remove(int at_fd, const char *name, tree_remove_cancel_fn is_cancelled, void *context, struct err *err)
{
    struct removal removal = {.is_cancelled = is_cancelled, .context = context, .err = err};

    removal.root_fd = open_to_empty(openat(at_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (removal.root_fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open %s", name);
    }
    for (int pass = 0; pass < PASSES_MAX && !removal.failed; pass++) {
        int fd = openat(removal.root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        removal.moved = false;
        if (fd < 0) {
            fail(&removal, "open", name);
            break;
        }
        empty(&removal, fd, 0);
        if (!removal.moved) {
            break;
        }
    }
    close(removal.root_fd);
    if (!removal.failed && unlinkat(at_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        fail(&removal, "remove", name);
    }
    return removal.failed ? -1 : 0;
}
