#include "buckets/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

#define STATE_BYTES_MAX (LIMIT_OBJECT_FIELDS_BYTES + 8192)
#define STATE_ENDING ".json"
#define STATE_NAME_BYTES (TREE_RANDOM_NAME_BYTES + sizeof STATE_ENDING)

struct upload {
    struct bucket_tree *tree;
    char id[TREE_RANDOM_NAME_BYTES];
    int fd; /* -1: complete */
    uint64_t size_bytes;
    struct bucket_name bucket;
    struct object_name name;
    struct object_conditions conditions;
    json_t *fields;
    bool has_crc32c;
    bool has_md5;
    uint32_t crc32c;
    uint8_t md5[OBJECT_MD5_BYTES];
};

static void state_name(const char *id, char name[STATE_NAME_BYTES])
{
    (void)snprintf(name, STATE_NAME_BYTES, "%s%s", id, STATE_ENDING);
}

/* ---- its state ---- */

static json_t *render(const struct object_plan *plan)
{
    const struct object_conditions *conditions = plan->conditions;
    json_t *root = json_pack("{s:i,s:s,s:s,s:O,s:I,s:I,s:I,s:I}", "version", 1, "bucket", plan->bucket->text, "name",
                             plan->name->text, "fields", plan->fields, "generation_match",
                             (json_int_t)conditions->generation_match, "generation_not_match",
                             (json_int_t)conditions->generation_not_match, "metageneration_match",
                             (json_int_t)conditions->metageneration_match, "metageneration_not_match",
                             (json_int_t)conditions->metageneration_not_match);
    json_t *md5 = plan->md5 ? json_array() : NULL;

    for (size_t i = 0; md5 && i < OBJECT_MD5_BYTES; i++) {
        (void)json_array_append_new(md5, json_integer(plan->md5[i]));
    }
    if (root && md5) {
        (void)json_object_set(root, "md5", md5);
    }
    json_decref(md5);
    if (root && plan->crc32c) {
        (void)json_object_set_new(root, "crc32c", json_integer(*plan->crc32c));
    }
    return root;
}

static int write_file(int dir_fd, const char *name, const char *text, struct err *err)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t size = text ? strlen(text) : 0;
    int result = 0;

    if (fd < 0) {
        return err_set_errno(err, errno, "cannot begin an upload");
    }
    if ((size > 0 && write(fd, text, size) != (ssize_t)size) || fsync(fd) != 0) {
        result = err_set_errno(err, errno == 0 ? ENOSPC : errno, "cannot keep an upload");
    }
    close(fd);
    if (result != 0) {
        (void)unlinkat(dir_fd, name, 0);
    }
    return result;
}

int upload_begin(struct bucket_tree *tree, const struct object_plan *plan, char ret_id[TREE_RANDOM_NAME_BYTES],
                 struct err *err)
{
    struct bucket_info bucket;
    char state[STATE_NAME_BYTES];
    char *text = NULL;
    json_t *root;
    int result;

    if (object_fields_check(plan->fields, err) != 0 || bucket_stat(tree, plan->bucket, &bucket, err) != 0) {
        return -1;
    }
    tree_sweep(tree);
    tree_random_name(ret_id);
    state_name(ret_id, state);
    root = render(plan);
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an upload");
    }
    errno = 0;
    result = write_file(tree->uploads_fd, ret_id, NULL, err);
    if (result == 0) {
        result = write_file(tree->uploads_fd, state, text, err);
    }
    free(text);
    if (result == 0 && fsync(tree->uploads_fd) != 0) {
        result = err_set_errno(err, errno, "cannot keep an upload");
    }
    return result;
}

static int64_t number_of(const json_t *root, const char *key)
{
    return json_integer_value(json_object_get(root, key));
}

static int take_state(struct upload *upload, const json_t *root, struct err *err)
{
    const char *bucket = json_string_value(json_object_get(root, "bucket"));
    const char *name = json_string_value(json_object_get(root, "name"));
    const json_t *md5 = json_object_get(root, "md5");
    const json_t *crc32c = json_object_get(root, "crc32c");
    json_t *fields = json_object_get(root, "fields");

    if (number_of(root, "version") != 1 || !json_is_object(fields) ||
        bucket_name_read(span_of(bucket ? bucket : ""), &upload->bucket, err) != 0 ||
        object_name_read(span_of(name ? name : ""), &upload->name, err) != 0) {
        return err_set(err, ERR_CORRUPT, "The state of the upload %s cannot be read.", upload->id);
    }
    upload->fields = json_incref(fields);
    upload->conditions = (struct object_conditions){
        OBJECT_ANY, number_of(root, "generation_match"), number_of(root, "generation_not_match"),
        number_of(root, "metageneration_match"), number_of(root, "metageneration_not_match")};
    upload->has_crc32c = crc32c != NULL;
    upload->crc32c = (uint32_t)json_integer_value(crc32c);
    upload->has_md5 = json_array_size(md5) == OBJECT_MD5_BYTES;
    for (size_t i = 0; upload->has_md5 && i < OBJECT_MD5_BYTES; i++) {
        upload->md5[i] = (uint8_t)json_integer_value(json_array_get(md5, i));
    }
    return 0;
}

static int not_found(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "No such upload: it was cancelled, or is more than a week old.");
}

static int read_state(struct upload *upload, struct err *err)
{
    char name[STATE_NAME_BYTES];
    char text[STATE_BYTES_MAX];
    ssize_t size;
    json_t *root;
    int result;
    int fd;

    state_name(upload->id, name);
    fd = openat(upload->tree->uploads_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? not_found(err) : err_set_errno(err, errno, "cannot open an upload");
    }
    size = read(fd, text, sizeof text);
    close(fd);
    root = size > 0 ? json_loadb(text, (size_t)size, 0, NULL) : NULL;
    result = take_state(upload, root, err);
    json_decref(root);
    return result;
}

/* ---- its bytes ---- */

/* The file under the name may have become an object since it was opened. */
static bool is_still_there(const struct upload *upload, int fd, struct stat *ret_status)
{
    struct stat named;

    return fstat(fd, ret_status) == 0 &&
           fstatat(upload->tree->uploads_fd, upload->id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_ino == ret_status->st_ino && named.st_dev == ret_status->st_dev;
}

static int open_bytes(struct upload *upload, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat status;
    int fd = openat(upload->tree->uploads_fd, upload->id, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot open an upload");
    }
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        close(fd);
        return err_set(err, ERR_UNAVAILABLE, "Another request is at this upload; try again.");
    }
    if (!is_still_there(upload, fd, &status)) {
        close(fd);
        return 0;
    }
    upload->fd = fd;
    upload->size_bytes = (uint64_t)status.st_size;
    return 0;
}

int upload_open(struct bucket_tree *tree, struct span id, struct upload **ret_upload, struct err *err)
{
    struct upload *upload;

    if (id.size != TREE_RANDOM_NAME_BYTES - 1 || strspn(id.data, "0123456789abcdef") < id.size) {
        return not_found(err);
    }
    upload = calloc(1, sizeof *upload);
    if (!upload) {
        return err_set(err, ERR_EXHAUSTED, "no memory for an upload");
    }
    upload->tree = tree;
    upload->fd = -1;
    memcpy(upload->id, id.data, id.size);
    if (read_state(upload, err) != 0 || open_bytes(upload, err) != 0) {
        upload_close(upload);
        return -1;
    }
    *ret_upload = upload;
    return 0;
}

void upload_close(struct upload *upload)
{
    if (!upload) {
        return;
    }
    if (upload->fd >= 0) {
        close(upload->fd);
    }
    json_decref(upload->fields);
    free(upload);
}

bool upload_is_complete(const struct upload *upload)
{
    return upload->fd < 0;
}

uint64_t upload_size(const struct upload *upload)
{
    return upload->size_bytes;
}

const struct bucket_name *upload_bucket(const struct upload *upload)
{
    return &upload->bucket;
}

int upload_write(struct upload *upload, const void *bytes, size_t size, struct err *err)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t written = pwrite(upload->fd, at, size, (off_t)upload->size_bytes);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return errno == ENOSPC || errno == EDQUOT
                       ? err_set(err, ERR_EXHAUSTED, "There is no room on the disk of the buckets: %s", strerror(errno))
                       : err_set_errno(err, errno, "cannot write an upload");
        }
        upload->size_bytes += (uint64_t)written;
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

int upload_sync(struct upload *upload, struct err *err)
{
    return fdatasync(upload->fd) == 0 ? 0 : err_set_errno(err, errno, "cannot make an upload durable");
}

/* ---- its end ---- */

int upload_commit(struct upload *upload, struct object_info *ret_info, struct err *err)
{
    const struct unnamed_file file = {upload->tree->uploads_fd, upload->id, upload->fd};
    struct object_plan plan = {.bucket = &upload->bucket,
                               .name = &upload->name,
                               .conditions = &upload->conditions,
                               .fields = upload->fields,
                               .crc32c = upload->has_crc32c ? &upload->crc32c : NULL,
                               .md5 = upload->has_md5 ? upload->md5 : NULL};

    if (object_name_is_placeholder(&upload->name)) {
        return err_set(err, ERR_INVALID, "The object name '%.200s' ends in a slash; such a one is made by one request.",
                       upload->name.text);
    }
    if (object_commit_file(upload->tree, &file, &plan, ret_info, err) != 0) {
        return -1;
    }
    close(upload->fd);
    upload->fd = -1;
    return 0;
}

int upload_result(struct upload *upload, struct object_info *ret_info, struct err *err)
{
    const struct object_conditions none = OBJECT_UNCONDITIONAL;

    return object_open(upload->tree, &upload->bucket, &upload->name, &none, NULL, ret_info, err);
}

int upload_cancel(struct upload *upload, struct err *err)
{
    char state[STATE_NAME_BYTES];

    state_name(upload->id, state);
    if (unlinkat(upload->tree->uploads_fd, state, 0) != 0 ||
        (unlinkat(upload->tree->uploads_fd, upload->id, 0) != 0 && errno != ENOENT)) {
        return err_set_errno(err, errno, "cannot remove an upload");
    }
    return 0;
}
