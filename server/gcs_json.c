#include "server/gcs_json.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_CHARS 40
#define NUMBER_CHARS 24
#define URL_BYTES (3 * OBJECT_NAME_BYTES_MAX + BUCKET_NAME_BYTES_MAX + 512)

void gcs_crc32c_format(uint32_t crc32c, char text[GCS_CRC32C_CHARS])
{
    const unsigned char bytes[4] = {(unsigned char)(crc32c >> 24), (unsigned char)(crc32c >> 16),
                                    (unsigned char)(crc32c >> 8), (unsigned char)crc32c};

    (void)EVP_EncodeBlock((unsigned char *)text, bytes, sizeof bytes);
}

void gcs_md5_format(const uint8_t *md5, char text[GCS_MD5_CHARS])
{
    (void)EVP_EncodeBlock((unsigned char *)text, md5, OBJECT_MD5_BYTES);
}

void gcs_etag_format(const struct object_info *info, char text[GCS_ETAG_CHARS])
{
    (void)snprintf(text, GCS_ETAG_CHARS, "%" PRIx64 "-%" PRIx64, (uint64_t)info->generation,
                   (uint64_t)info->metageneration);
}

static void format_time(int64_t unix_us, char text[TIME_CHARS])
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm utc;
    size_t size;

    gmtime_r(&seconds, &utc);
    size = strftime(text, TIME_CHARS, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + size, TIME_CHARS - size, ".%03dZ", (int)(unix_us / 1000 % 1000));
}

/* As in a URL's path, with slashes too. */
static void escape(const char *name, char *to)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.~", c)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    *to = '\0';
}

static void put(json_t *to, const char *key, const char *value)
{
    (void)json_object_set_new(to, key, json_string(value)); /* a failure leaves it out */
}

static void put_number(json_t *to, const char *key, uint64_t value)
{
    char text[NUMBER_CHARS];

    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    put(to, key, text);
}

static void put_time(json_t *to, const char *key, int64_t unix_us)
{
    char text[TIME_CHARS];

    format_time(unix_us, text);
    put(to, key, text);
}

static void put_links(json_t *to, struct span base_url, const char *bucket, const struct object_info *info)
{
    char name[3 * OBJECT_NAME_BYTES_MAX + 1];
    char text[URL_BYTES];

    escape(info->name.text, name);
    (void)snprintf(text, sizeof text, "%s/%s/%" PRId64, bucket, info->name.text, info->generation);
    put(to, "id", text);
    if (base_url.size < 300) {
        (void)snprintf(text, sizeof text, "%.*s/storage/v1/b/%s/o/%s", SPAN_FORMAT(base_url), bucket, name);
        put(to, "selfLink", text);
        (void)snprintf(text, sizeof text, "%.*s/download/storage/v1/b/%s/o/%s?generation=%" PRId64 "&alt=media",
                       SPAN_FORMAT(base_url), bucket, name, info->generation);
        put(to, "mediaLink", text);
    }
}

json_t *gcs_json_object(struct span base_url, const struct bucket_name *bucket, const struct object_info *info)
{
    json_t *object = json_deep_copy(info->fields);
    char crc32c[GCS_CRC32C_CHARS], md5[GCS_MD5_CHARS], etag[GCS_ETAG_CHARS];

    if (!object) {
        return NULL;
    }
    put(object, "kind", "storage#object");
    put_links(object, base_url, bucket->text, info);
    put(object, "name", info->name.text);
    put(object, "bucket", bucket->text);
    put_number(object, "generation", (uint64_t)info->generation);
    put_number(object, "metageneration", (uint64_t)info->metageneration);
    if (!json_object_get(object, "contentType")) {
        put(object, "contentType", "application/octet-stream");
    }
    put(object, "storageClass", "STANDARD");
    put_number(object, "size", info->size_bytes);
    if (info->has_checksums) {
        gcs_crc32c_format(info->crc32c, crc32c);
        gcs_md5_format(info->md5, md5);
        put(object, "crc32c", crc32c);
        put(object, "md5Hash", md5);
    }
    gcs_etag_format(info, etag);
    put(object, "etag", etag);
    put_time(object, "timeCreated", info->created_unix_us);
    put_time(object, "updated", info->updated_unix_us);
    put_time(object, "timeStorageClassUpdated", info->created_unix_us);
    return object;
}

json_t *gcs_json_bucket(struct span base_url, const struct bucket_info *info)
{
    json_t *bucket = json_object();
    char url[URL_BYTES];

    if (!bucket) {
        return NULL;
    }
    put(bucket, "kind", "storage#bucket");
    put(bucket, "id", info->name.text);
    if (base_url.size < 300) {
        (void)snprintf(url, sizeof url, "%.*s/storage/v1/b/%s", SPAN_FORMAT(base_url), info->name.text);
        put(bucket, "selfLink", url);
    }
    put(bucket, "name", info->name.text);
    put(bucket, "projectNumber", "0");
    put(bucket, "metageneration", "1");
    put(bucket, "location", "LOCAL");
    put(bucket, "locationType", "region");
    put(bucket, "storageClass", "STANDARD");
    put(bucket, "etag", "1");
    put_time(bucket, "timeCreated", info->created_unix_us);
    put_time(bucket, "updated", info->updated_unix_us);
    (void)json_object_set_new(bucket, "iamConfiguration",
                              json_pack("{s:{s:b}}", "uniformBucketLevelAccess", "enabled", 1));
    return bucket;
}

/* ---- errors ---- */

static const struct {
    enum err_code code;
    int http;
    const char *reason;
} errors[] = {
    {ERR_INVALID, 400, "invalid"},
    {ERR_NOT_FOUND, 404, "notFound"},
    {ERR_EXISTS, 409, "conflict"},
    {ERR_PRECONDITION, 412, "conditionNotMet"},
    {ERR_EXHAUSTED, 429, "rateLimitExceeded"},
    {ERR_UNAVAILABLE, 503, "backendError"},
    {ERR_UNSUPPORTED, 400, "notImplemented"}, /* clients try a 501 again and again */
    {ERR_DENIED, 403, "forbidden"},
};

int gcs_http_status(const struct err *err, bool not_modified)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].code == err->code) {
            return not_modified && err->code == ERR_PRECONDITION ? 304 : errors[i].http;
        }
    }
    return 500;
}

json_t *gcs_json_error(int http, const struct err *err)
{
    const char *reason = "internalError";
    json_t *message = json_string(err->text);

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].code == err->code) {
            reason = errors[i].reason;
        }
    }
    if (!message) { /* a name in it was cut within a character */
        message = json_string(err_code_name(err->code));
    }
    return json_pack("{s:{s:i,s:O,s:[{s:s,s:s,s:o}]}}", "error", "code", http, "message", message, "errors", "domain",
                     "global", "reason", reason, "message", message);
}
