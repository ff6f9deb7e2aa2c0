#include "buckets/object_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "buckets/tree_path.h"
#include "buckets/tree_sweep.h"

#define COPY_BYTES (1024 * 1024)

struct object_writer {
    struct bucket_tree *tree;
    int fd;
    char file_name[TREE_RANDOM_NAME_BYTES];
    bool is_committed;
};

int object_writer_open(struct bucket_tree *tree, struct object_writer **ret_writer, struct err *err)
{
    struct object_writer *writer = calloc(1, sizeof *writer);

    if (!writer) {
        return err_set(err, ERR_EXHAUSTED, "no memory to write an object");
    }
    tree_sweep(tree);
    writer->tree = tree;
    tree_random_name(writer->file_name);
    writer->fd = openat(tree->unfinished_fd, writer->file_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        err_set_errno(err, errno, "cannot begin a file in the buckets directory");
        free(writer);
        return -1;
    }
    *ret_writer = writer;
    return 0;
}

void object_writer_close(struct object_writer *writer)
{
    if (!writer) {
        return;
    }
    close(writer->fd);
    if (!writer->is_committed) {
        (void)unlinkat(writer->tree->unfinished_fd, writer->file_name, 0);
    }
    free(writer);
}

static int write_fails(int errno_value, struct err *err)
{
    return errno_value == ENOSPC || errno_value == EDQUOT
               ? err_set(err, ERR_EXHAUSTED, "There is no room on the disk of the buckets: %s", strerror(errno_value))
               : err_set_errno(err, errno_value, "cannot write an object");
}

int object_writer_write(struct object_writer *writer, const void *bytes, size_t size, struct err *err)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t written = write(writer->fd, at, size);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return write_fails(errno, err);
        }
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

int object_writer_copy(struct object_writer *writer, int fd, struct err *err)
{
    char *bytes = malloc(COPY_BYTES);
    uint64_t at = 0;
    int result = 0;

    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory to copy an object");
    }
    while (result == 0) {
        ssize_t got = pread(fd, bytes, COPY_BYTES, (off_t)at);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            result = got == 0 ? 0 : err_set_errno(err, errno, "cannot read an object");
            break;
        }
        at += (uint64_t)got;
        result = object_writer_write(writer, bytes, (size_t)got, err);
    }
    free(bytes);
    return result;
}

/* ---- the end ---- */

static int check_sums(const struct object_plan *plan, const struct object_info *info, struct err *err)
{
    if (plan->crc32c && *plan->crc32c != info->crc32c) {
        return err_set(err, ERR_INVALID, "Provided CRC32C \"%08x\" doesn't match calculated CRC32C \"%08x\".",
                       *plan->crc32c, info->crc32c);
    }
    if (plan->md5 && memcmp(plan->md5, info->md5, sizeof info->md5) != 0) {
        return err_set(err, ERR_INVALID, "Provided MD5 hash doesn't match the one of the bytes that came.");
    }
    return 0;
}

/* What stands at the object's place now: *ret_there false when nothing does. */
static int look_at_old(struct bucket_tree *tree, const struct object_plan *plan, bool *ret_there,
                       struct object_info *ret_old, struct err *err)
{
    const struct object_conditions none = OBJECT_UNCONDITIONAL;
    struct err look_err = ERR_INIT;

    *ret_there = object_open(tree, plan->bucket, plan->name, &none, NULL, ret_old, &look_err) == 0;
    if (!*ret_there && look_err.code != ERR_NOT_FOUND) {
        *err = look_err;
        return -1;
    }
    return 0;
}

static int refuse_place(struct err *err, int errno_value, const struct object_plan *plan)
{
    const char *name = plan->name->text;

    if (errno_value == EISDIR || errno_value == EEXIST || errno_value == ENOTEMPTY) {
        return err_set(err, ERR_EXISTS,
                       "gs://%s/%.200s cannot be: there are objects below \"%.200s/\", and a directory is no file.",
                       plan->bucket->text, name, name);
    }
    if (errno_value == ENOTDIR) {
        return err_set(err, ERR_EXISTS,
                       "gs://%s/%.200s cannot be: a part of its path is an object, and a file is no directory.",
                       plan->bucket->text, name);
    }
    return tree_fail(err, errno_value, plan->bucket->text, name);
}

static int refuse_rename(struct err *err, int errno_value, const struct object_plan *plan)
{
    if (errno_value == EXDEV) {
        return err_set(
            err, ERR_UNSUPPORTED,
            "gs://%s/%.200s is on another file system than the buckets directory: no object can be moved there "
            "whole.",
            plan->bucket->text, plan->name->text);
    }
    return refuse_place(err, errno_value, plan);
}

/* *ret_parent_fd: the directory it stands in now, to be synced and closed. */
static int move_to_place(int bucket_fd, const struct unnamed_file *file, const struct object_plan *plan,
                         int *ret_parent_fd, struct err *err)
{
    /* Also against a job that makes it at this moment. */
    unsigned flags = plan->conditions->generation_match == 0 ? RENAME_NOREPLACE : 0;
    const char *base;
    int parent_fd;
    int result;

    if (tree_open_parent(bucket_fd, plan->name, true, &parent_fd, &base) != 0) {
        return refuse_place(err, errno, plan);
    }
    tree_give_to_owner(parent_fd, file->fd, 0666);
    if (renameat2(file->dir_fd, file->name, parent_fd, base, flags) == 0) {
        *ret_parent_fd = parent_fd;
        return 0;
    }
    result =
        flags != 0 && errno == EEXIST
            ? err_set(err, ERR_PRECONDITION,
                      "At least one of the pre-conditions you specified did not hold: ifGenerationMatch=0, and the "
                      "object exists.")
            : refuse_rename(err, errno, plan);
    close(parent_fd);
    tree_prune(bucket_fd, plan->name);
    return result;
}

static int write_down(const struct unnamed_file *file, const struct object_info *info, struct err *err)
{
    if (object_info_write(file->fd, info, err) != 0) {
        return -1;
    }
    return fsync(file->fd) == 0 ? 0 : write_fails(errno, err);
}

/* Under the lock. */
static int take_place(struct bucket_tree *tree, int bucket_fd, const struct unnamed_file *file,
                      const struct object_plan *plan, struct object_info *info, int *ret_parent_fd, struct err *err)
{
    struct object_info old = {.fields = NULL};
    int64_t old_generation;
    bool is_there;
    int result;

    if (look_at_old(tree, plan, &is_there, &old, err) != 0) {
        return -1;
    }
    result = object_conditions_check(plan->conditions, is_there ? &old : NULL, err);
    old_generation = is_there ? old.generation : 0;
    object_info_deinit(&old);
    if (result == 0 && old_generation >= info->generation) {
        info->generation = old_generation + 1; /* the clock was set back, or two came in one microsecond */
        result = write_down(file, info, err);
    }
    return result == 0 ? move_to_place(bucket_fd, file, plan, ret_parent_fd, err) : -1;
}

static int give_name(struct bucket_tree *tree, const struct unnamed_file *file, const struct object_plan *plan,
                     struct object_info *info, struct err *err)
{
    int parent_fd = -1;
    int bucket_fd;
    int result;

    if (tree_open_bucket(tree, plan->bucket, &bucket_fd, err) != 0) {
        return -1;
    }
    pthread_mutex_lock(&tree->lock);
    result = take_place(tree, bucket_fd, file, plan, info, &parent_fd, err);
    pthread_mutex_unlock(&tree->lock);
    close(bucket_fd);
    if (result == 0 && fsync(parent_fd) != 0) {
        result = tree_fail(err, errno, plan->bucket->text, plan->name->text);
    }
    if (parent_fd >= 0) {
        close(parent_fd);
    }
    return result;
}

int object_commit_file(struct bucket_tree *tree, const struct unnamed_file *file, const struct object_plan *plan,
                       struct object_info *ret_info, struct err *err)
{
    struct object_info info = {.name = *plan->name, .metageneration = 1};

    if (object_fields_check(plan->fields, err) != 0 || object_info_checksum(file->fd, &info, err) != 0 ||
        check_sums(plan, &info, err) != 0) {
        return -1;
    }
    info.fields = json_incref(plan->fields);
    info.generation = info.created_unix_us = info.updated_unix_us = clock_wall_unix_ns(clock_system()) / 1000;
    if (write_down(file, &info, err) != 0 || give_name(tree, file, plan, &info, err) != 0) {
        object_info_deinit(&info);
        return -1;
    }
    *ret_info = info;
    return 0;
}

/* ---- placeholders ---- */

/* A directory, made with whatever lies above it. */
static int make_placeholder(struct bucket_tree *tree, const struct object_plan *plan, struct object_info *ret_info,
                            struct err *err)
{
    struct object_name within = *plan->name; /* of nothing; its parent is the placeholder */
    const char *base;
    int bucket_fd;
    int fd;

    if (tree_open_bucket(tree, plan->bucket, &bucket_fd, err) != 0) {
        return -1;
    }
    if (tree_open_parent(bucket_fd, &within, true, &fd, &base) != 0) {
        refuse_place(err, errno, plan);
        close(bucket_fd);
        return -1;
    }
    close(fd);
    close(bucket_fd);
    return object_open(tree, plan->bucket, plan->name, plan->conditions, NULL, ret_info, err);
}

int object_writer_commit(struct object_writer *writer, const struct object_plan *plan, struct object_info *ret_info,
                         struct err *err)
{
    struct stat status;

    if (!object_name_is_placeholder(plan->name)) {
        const struct unnamed_file file = {writer->tree->unfinished_fd, writer->file_name, writer->fd};

        if (object_commit_file(writer->tree, &file, plan, ret_info, err) != 0) {
            return -1;
        }
        writer->is_committed = true;
        return 0;
    }
    if (fstat(writer->fd, &status) != 0 || status.st_size > 0) {
        return err_set(err, ERR_INVALID,
                       "The object name '%.200s' ends in a slash: it is that of a directory, which has no bytes.",
                       plan->name->text);
    }
    return make_placeholder(writer->tree, plan, ret_info, err);
}
