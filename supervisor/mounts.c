#include "supervisor/mounts.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define BUCKETS_MOUNT "/gcs"

static int make_dir(const char *path, struct failure *failure)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return failure_set(failure, errno, "make %.100s", path);
    return 0;
}

static int bind_dir(const char *dir, const char *point, struct failure *failure)
{
    if (mount(dir, point, NULL, MS_BIND | MS_REC, NULL) != 0)
        return failure_set(failure, errno, "bind %.80s to %.80s", dir, point);
    return 0;
}

static bool wants(const struct conf *conf, const char *parent)
{
    for (size_t i = 0; i < conf->bind_count; i++) {
        const char *point = strrchr(conf->binds[i], ':') + 1;
        if (strncmp(point, parent, strlen(parent)) == 0)
            return true;
    }
    return false;
}

/* What is made below it stays in the namespace. */
static int make_parent(const struct conf *conf, const char *parent, struct failure *failure)
{
    if (!wants(conf, parent))
        return 0;
    if (make_dir("/mnt", failure) != 0 || make_dir(parent, failure) != 0)
        return -1;
    if (mount("none", parent, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k") != 0)
        return failure_set(failure, errno, "mount a place of its own at %s", parent);
    return 0;
}

static int bind_all(const struct conf *conf, struct failure *failure)
{
    if (make_parent(conf, "/mnt/nfs", failure) != 0 || make_parent(conf, "/mnt/lustre", failure) != 0)
        return -1;
    for (size_t i = 0; i < conf->bind_count; i++) {
        char *colon = strrchr(conf->binds[i], ':');
        *colon = '\0';
        if (make_dir(colon + 1, failure) != 0 || bind_dir(conf->binds[i], colon + 1, failure) != 0)
            return -1;
    }
    return 0;
}

int mounts_enter(const struct conf *conf, struct failure *failure)
{
    if (!conf->buckets_dir && conf->bind_count == 0)
        return 0;
    if (conf->buckets_dir && make_dir(BUCKETS_MOUNT, failure) != 0)
        return -1;
    if (unshare(CLONE_NEWNS) != 0)
        return failure_set(failure, errno, "make a mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return failure_set(failure, errno, "make the mount namespace private");
    if (conf->buckets_dir && bind_dir(conf->buckets_dir, BUCKETS_MOUNT, failure) != 0)
        return -1;
    return bind_all(conf, failure);
}
