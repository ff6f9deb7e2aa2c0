#include "buckets/object.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "buckets/tree_path.h"

/* ---- conditions ---- */

static int fail(struct err *err, const char *condition, int64_t wanted, int64_t is)
{
    return err_set(err, ERR_PRECONDITION,
                   "At least one of the pre-conditions you specified did not hold: %s=%" PRId64 ", it is %" PRId64 ".",
                   condition, wanted, is);
}

int object_conditions_check(const struct object_conditions *conditions, const struct object_info *info, struct err *err)
{
    int64_t generation = info ? info->generation : 0;
    int64_t metageneration = info ? info->metageneration : 0;

    if (conditions->generation != OBJECT_ANY && conditions->generation != generation) {
        return err_set(err, ERR_NOT_FOUND, "No such object: it has no generation %" PRId64, conditions->generation);
    }
    if (conditions->generation_match != OBJECT_ANY && conditions->generation_match != generation) {
        return fail(err, "ifGenerationMatch", conditions->generation_match, generation);
    }
    if (conditions->generation_not_match != OBJECT_ANY && conditions->generation_not_match == generation) {
        return fail(err, "ifGenerationNotMatch", conditions->generation_not_match, generation);
    }
    if (conditions->metageneration_match != OBJECT_ANY && conditions->metageneration_match != metageneration) {
        return fail(err, "ifMetagenerationMatch", conditions->metageneration_match, metageneration);
    }
    if (conditions->metageneration_not_match != OBJECT_ANY && conditions->metageneration_not_match == metageneration) {
        return fail(err, "ifMetagenerationNotMatch", conditions->metageneration_not_match, metageneration);
    }
    return 0;
}

/* ---- looking ---- */

/* The name without the slash at its end. */
static struct object_name path_of(const struct object_name *name)
{
    struct object_name path = *name;

    if (object_name_is_placeholder(name)) {
        path.text[strlen(path.text) - 1] = '\0';
    }
    return path;
}

/* The object's file, or a placeholder's directory. */
static int open_file(int bucket_fd, const struct bucket_name *bucket, const struct object_name *name, int *ret_fd,
                     struct stat *ret_status, struct err *err)
{
    bool is_placeholder = object_name_is_placeholder(name);
    struct object_name path = path_of(name);
    int fd = tree_open_beneath(bucket_fd, path.text, O_RDONLY | (is_placeholder ? O_DIRECTORY : 0));

    if (fd < 0) {
        /* ENXIO: a socket, or a pipe that nobody writes to. */
        return tree_fail(err, errno == ENXIO ? ENOENT : errno, bucket->text, name->text);
    }
    if (fstat(fd, ret_status) != 0 || (!is_placeholder && !S_ISREG(ret_status->st_mode))) {
        close(fd);
        return tree_fail(err, ENOENT, bucket->text, name->text);
    }
    *ret_fd = fd;
    return 0;
}

static int look(int bucket_fd, const struct bucket_name *bucket, const struct object_name *name,
                const struct object_conditions *conditions, int *ret_fd, struct object_info *ret_info, struct err *err)
{
    struct object_info info = {.name = *name};
    struct stat status;
    int fd = -1;

    if (open_file(bucket_fd, bucket, name, &fd, &status, err) != 0) {
        return -1;
    }
    if (object_info_read(fd, &status, &info, err) != 0) {
        close(fd);
        return -1;
    }
    if (object_conditions_check(conditions, &info, err) != 0) {
        object_info_deinit(&info);
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    *ret_info = info;
    return 0;
}

int object_open(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_name *name,
                const struct object_conditions *conditions, int *ret_fd, struct object_info *ret_info, struct err *err)
{
    int bucket_fd;
    int fd = -1;
    int result;

    if (tree_open_bucket(tree, bucket, &bucket_fd, err) != 0) {
        return -1;
    }
    result = look(bucket_fd, bucket, name, conditions, &fd, ret_info, err);
    close(bucket_fd);
    if (result != 0) {
        return -1;
    }
    if (!ret_fd || object_name_is_placeholder(name)) {
        close(fd);
        fd = -1;
    }
    if (ret_fd) {
        *ret_fd = fd;
    }
    return 0;
}

/* ---- changing ---- */

static int merge(json_t *into, json_t *from, bool is_top)
{
    const char *key;
    json_t *value;

    json_object_foreach(from, key, value)
    {
        json_t *old = json_object_get(into, key);
        int result;

        if (json_is_null(value)) {
            result = json_object_del(into, key) == 0 || !old ? 0 : -1;
        } else if (is_top && json_is_object(value)) {
            result = json_is_object(old) ? 0 : json_object_set_new(into, key, json_object());
            result = result == 0 ? merge(json_object_get(into, key), value, false) : -1;
        } else {
            result = json_object_set(into, key, value);
        }
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

static int change_fields(struct object_info *info, json_t *fields, bool replaces, struct err *err)
{
    json_t *changed = replaces ? json_object() : json_deep_copy(info->fields);

    if (!changed || merge(changed, fields, true) != 0) {
        json_decref(changed);
        return err_set(err, ERR_EXHAUSTED, "no memory for an object's fields");
    }
    json_decref(info->fields);
    info->fields = changed;
    info->metageneration++;
    info->updated_unix_us = clock_wall_unix_ns(clock_system()) / 1000;
    return object_fields_check(changed, err);
}

static int patch(int bucket_fd, const struct bucket_name *bucket, const struct object_name *name,
                 const struct object_conditions *conditions, json_t *fields, bool replaces,
                 struct object_info *ret_info, struct err *err)
{
    struct object_info info;
    int fd = -1;

    if (look(bucket_fd, bucket, name, conditions, &fd, &info, err) != 0) {
        return -1;
    }
    if (change_fields(&info, fields, replaces, err) != 0 || object_info_write(fd, &info, err) != 0) {
        close(fd);
        object_info_deinit(&info);
        return -1;
    }
    if (fsync(fd) != 0) {
        err_set_errno(err, errno, "cannot make an object's fields durable");
        close(fd);
        object_info_deinit(&info);
        return -1;
    }
    close(fd);
    *ret_info = info;
    return 0;
}

int object_patch(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_name *name,
                 const struct object_conditions *conditions, json_t *fields, bool replaces,
                 struct object_info *ret_info, struct err *err)
{
    int bucket_fd;
    int result;

    if (tree_open_bucket(tree, bucket, &bucket_fd, err) != 0) {
        return -1;
    }
    pthread_mutex_lock(&tree->lock);
    result = patch(bucket_fd, bucket, name, conditions, fields, replaces, ret_info, err);
    pthread_mutex_unlock(&tree->lock);
    close(bucket_fd);
    return result;
}

static int unlink_name(int bucket_fd, const struct bucket_name *bucket, const struct object_name *name, struct err *err)
{
    struct object_name path = path_of(name);
    const char *base;
    int parent_fd;
    int result = 0;

    if (tree_open_parent(bucket_fd, &path, false, &parent_fd, &base) != 0) {
        return tree_fail(err, errno, bucket->text, name->text);
    }
    if (unlinkat(parent_fd, base, object_name_is_placeholder(name) ? AT_REMOVEDIR : 0) != 0 || fsync(parent_fd) != 0) {
        /* A directory that has objects in it has no placeholder. */
        result = tree_fail(err, errno == ENOTEMPTY || errno == EEXIST ? ENOENT : errno, bucket->text, name->text);
    }
    close(parent_fd);
    if (result == 0) {
        tree_prune(bucket_fd, &path);
    }
    return result;
}

int object_delete(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_name *name,
                  const struct object_conditions *conditions, struct err *err)
{
    struct object_info info = {.fields = NULL};
    int bucket_fd;
    int fd = -1;
    int result;

    if (tree_open_bucket(tree, bucket, &bucket_fd, err) != 0) {
        return -1;
    }
    pthread_mutex_lock(&tree->lock);
    result = look(bucket_fd, bucket, name, conditions, &fd, &info, err);
    if (result == 0) {
        close(fd);
        result = unlink_name(bucket_fd, bucket, name, err);
    }
    pthread_mutex_unlock(&tree->lock);
    object_info_deinit(&info);
    close(bucket_fd);
    return result;
}
