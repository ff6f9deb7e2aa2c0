#include "buckets/object_info.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "buckets/tree_path.h"

#define ATTRIBUTE "user.customjobd"
#define ATTRIBUTE_BYTES_MAX (LIMIT_OBJECT_FIELDS_BYTES + 512)
#define READ_BYTES (1024 * 1024)

void object_info_deinit(struct object_info *info)
{
    json_decref(info->fields);
    info->fields = NULL;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for an object's fields");
}

/* ---- reading ---- */

static int64_t number_of(const json_t *root, const char *key)
{
    return json_integer_value(json_object_get(root, key));
}

static bool read_md5(const char *text, uint8_t *md5)
{
    for (size_t i = 0; i < OBJECT_MD5_BYTES; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        char *end;

        md5[i] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2) {
            return false;
        }
    }
    return true;
}

/* What the attribute says, as far as it is of this file as it is now. */
static void take_attribute(const json_t *root, const struct stat *status, struct object_info *info)
{
    const char *md5 = json_string_value(json_object_get(root, "md5"));
    json_t *fields = json_object_get(root, "fields");
    int64_t modified_ns = (int64_t)status->st_mtim.tv_sec * CLOCK_NS_PER_S + status->st_mtim.tv_nsec;

    if (json_is_object(fields)) {
        json_decref(info->fields);
        info->fields = json_incref(fields);
    }
    if (number_of(root, "created") > 0) {
        info->created_unix_us = number_of(root, "created");
    }
    if (number_of(root, "size") != (int64_t)status->st_size || number_of(root, "modified") != modified_ns) {
        return;
    }
    info->generation = number_of(root, "generation");
    info->metageneration = number_of(root, "metageneration");
    info->crc32c = (uint32_t)number_of(root, "crc32c");
    info->has_checksums = md5 && strlen(md5) == 2 * OBJECT_MD5_BYTES && read_md5(md5, info->md5);
    if (number_of(root, "updated") > info->updated_unix_us) {
        info->updated_unix_us = number_of(root, "updated");
    }
}

int object_info_read(int fd, const struct stat *status, struct object_info *ret_info, struct err *err)
{
    char bytes[ATTRIBUTE_BYTES_MAX];
    ssize_t size = fgetxattr(fd, ATTRIBUTE, bytes, sizeof bytes);
    struct object_info info = {.size_bytes = S_ISDIR(status->st_mode) ? 0 : (uint64_t)status->st_size,
                               .generation = tree_unix_us(status->st_mtim),
                               .metageneration = 1,
                               .created_unix_us = tree_unix_us(status->st_mtim),
                               .updated_unix_us = tree_unix_us(status->st_mtim)};
    json_t *root;

    if (size < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE) {
        return err_set_errno(err, errno, "cannot read an object's attributes");
    }
    info.fields = json_object();
    if (!info.fields) {
        return no_memory(err);
    }
    if (info.generation <= 0) {
        info.generation = 1; /* a file of 1970 */
    }
    root = size > 0 ? json_loadb(bytes, (size_t)size, 0, NULL) : NULL;
    if (root) {
        take_attribute(root, status, &info);
        json_decref(root);
    }
    info.name = ret_info->name;
    *ret_info = info;
    return 0;
}

/* ---- writing ---- */

static json_t *render(const struct object_info *info, const struct stat *status)
{
    char md5[2 * OBJECT_MD5_BYTES + 1];
    int64_t modified_ns = (int64_t)status->st_mtim.tv_sec * CLOCK_NS_PER_S + status->st_mtim.tv_nsec;

    for (size_t i = 0; i < OBJECT_MD5_BYTES; i++) {
        (void)snprintf(md5 + 2 * i, 3, "%02x", info->md5[i]);
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:O}", "size", (json_int_t)status->st_size, "modified",
                     (json_int_t)modified_ns, "generation", (json_int_t)info->generation, "metageneration",
                     (json_int_t)info->metageneration, "created", (json_int_t)info->created_unix_us, "updated",
                     (json_int_t)info->updated_unix_us, "crc32c", (json_int_t)info->crc32c, "md5",
                     info->has_checksums ? md5 : "", "fields", info->fields);
}

int object_info_write(int fd, const struct object_info *info, struct err *err)
{
    struct stat status;
    json_t *root;
    char *text;
    int result = 0;

    if (fstat(fd, &status) != 0) {
        return err_set_errno(err, errno, "cannot look at an object's file");
    }
    root = render(info, &status);
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text) {
        return no_memory(err);
    }
    if (fsetxattr(fd, ATTRIBUTE, text, strlen(text), 0) != 0) {
        if (errno != ENOTSUP) {
            result = err_set_errno(err, errno, "cannot keep an object's fields, %zu bytes, in an extended attribute",
                                   strlen(text));
        } else if (json_object_size(info->fields) > 0) {
            result =
                err_set(err, ERR_UNSUPPORTED,
                        "The file system of the buckets keeps no extended attributes, and so no fields of objects.");
        }
    }
    free(text);
    return result;
}

int object_info_checksum(int fd, struct object_info *info, struct err *err)
{
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    char *bytes = malloc(READ_BYTES);
    uint64_t at = 0;
    ssize_t got = -1;

    info->crc32c = 0;
    if (!md5 || !bytes || EVP_DigestInit_ex(md5, EVP_md5(), NULL) != 1) {
        EVP_MD_CTX_free(md5);
        free(bytes);
        return no_memory(err);
    }
    while ((got = pread(fd, bytes, READ_BYTES, (off_t)at)) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 || EVP_DigestUpdate(md5, bytes, (size_t)got) != 1) {
            break;
        }
        info->crc32c = crc32c_extend(info->crc32c, bytes, (size_t)got);
        at += (uint64_t)got;
    }
    info->has_checksums = got == 0 && EVP_DigestFinal_ex(md5, info->md5, NULL) == 1;
    EVP_MD_CTX_free(md5);
    free(bytes);
    if (!info->has_checksums) {
        return err_set_errno(err, got < 0 ? errno : EIO, "cannot read an object back");
    }
    info->size_bytes = at;
    return 0;
}

int object_fields_check(const json_t *fields, struct err *err)
{
    size_t size = json_dumpb(fields, NULL, 0, JSON_COMPACT);

    if (size > LIMIT_OBJECT_FIELDS_BYTES) {
        return err_set(err, ERR_INVALID, "The object's fields and metadata have %zu bytes as JSON, the limit is %d.",
                       size, LIMIT_OBJECT_FIELDS_BYTES);
    }
    return 0;
}
