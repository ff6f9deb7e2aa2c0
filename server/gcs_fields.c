#include "server/gcs_fields.h"

#include <openssl/evp.h>
#include <string.h>

#include "server/excerpt.h"

static const char *const KEPT[] = {"cacheControl", "contentDisposition", "contentEncoding", "contentLanguage",
                                   "contentType",  "customTime",         "metadata"};
/* Made here, told elsewhere, or without a meaning where there is one disk and no access control. */
static const char *const IGNORED[] = {"acl",          "bucket",       "componentCount", "crc32c",
                                      "etag",         "finalizeTime", "generation",     "id",
                                      "kind",         "md5Hash",      "mediaLink",      "metageneration",
                                      "name",         "owner",        "selfLink",       "size",
                                      "storageClass", "timeCreated",  "timeFinalized",  "timeStorageClassUpdated",
                                      "updated"};

static bool is_in(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int decode_base64(struct span text, unsigned char *bytes, size_t size)
{
    unsigned char decoded[64];
    int length;

    if (text.size != (size + 2) / 3 * 4 || text.size > 48) {
        return -1;
    }
    length = EVP_DecodeBlock(decoded, (const unsigned char *)text.data, (int)text.size);
    if (length < (int)size) {
        return -1;
    }
    memcpy(bytes, decoded, size);
    return 0;
}

static int take_crc32c(struct span text, struct gcs_request *request, struct err *err)
{
    unsigned char bytes[4];

    if (decode_base64(text, bytes, sizeof bytes) != 0) {
        return err_set(err, ERR_INVALID, "Invalid crc32c: \"%.*s\" is not 4 bytes in base64.",
                       SPAN_FORMAT(excerpt(text)));
    }
    request->crc32c = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    request->has_crc32c = true;
    return 0;
}

static int take_md5(struct span text, struct gcs_request *request, struct err *err)
{
    if (decode_base64(text, request->md5, sizeof request->md5) != 0) {
        return err_set(err, ERR_INVALID, "Invalid md5Hash: \"%.*s\" is not 16 bytes in base64.",
                       SPAN_FORMAT(excerpt(text)));
    }
    request->has_md5 = true;
    return 0;
}

int gcs_fields_take_hashes(struct span header, struct gcs_request *request, struct err *err)
{
    while (header.size > 0) {
        const char *comma = memchr(header.data, ',', header.size);
        struct span hash = span_make(header.data, comma ? (size_t)(comma - header.data) : header.size);

        header = span_skip(header, hash.size + (comma ? 1 : 0));
        while (hash.size > 0 && hash.data[0] == ' ') {
            hash = span_skip(hash, 1);
        }
        if ((span_starts_with(hash, span_of("crc32c=")) && take_crc32c(span_skip(hash, 7), request, err) != 0) ||
            (span_starts_with(hash, span_of("md5=")) && take_md5(span_skip(hash, 4), request, err) != 0)) {
            return -1;
        }
    }
    return 0;
}

static int check_metadata(const json_t *metadata, struct err *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata)) {
        return err_set(err, ERR_INVALID, "Invalid metadata: it is to be an object of strings.");
    }
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value) && !json_is_null(value)) {
            return err_set(err, ERR_INVALID, "Invalid metadata: the value of \"%.100s\" is to be a string.", key);
        }
    }
    return 0;
}

static int take_field(const char *key, json_t *value, struct gcs_request *request, struct err *err)
{
    bool is_metadata = strcmp(key, "metadata") == 0;

    if (is_in(key, IGNORED, sizeof IGNORED / sizeof IGNORED[0])) {
        return 0;
    }
    if (!is_in(key, KEPT, sizeof KEPT / sizeof KEPT[0])) {
        return json_is_null(value) || json_is_false(value)
                   ? 0
                   : err_set(err, ERR_UNSUPPORTED, "The object's field \"%.100s\" is not supported.", key);
    }
    if (!json_is_null(value) && is_metadata && check_metadata(value, err) != 0) {
        return -1;
    }
    if (!is_metadata && !json_is_null(value) && !json_is_string(value)) {
        return err_set(err, ERR_INVALID, "Invalid %s: it is to be a string.", key);
    }
    return json_object_set(request->fields, key, value) == 0
               ? 0
               : err_set(err, ERR_EXHAUSTED, "no memory for an object's fields");
}

int gcs_fields_take(const json_t *resource, struct gcs_request *request, struct err *err)
{
    const char *crc32c = json_string_value(json_object_get(resource, "crc32c"));
    const char *md5 = json_string_value(json_object_get(resource, "md5Hash"));
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)resource, key, value)
    {
        if (take_field(key, value, request, err) != 0) {
            return -1;
        }
    }
    return (crc32c && take_crc32c(span_of(crc32c), request, err) != 0) ||
                   (md5 && take_md5(span_of(md5), request, err) != 0)
               ? -1
               : 0;
}
