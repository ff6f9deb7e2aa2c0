/* gcs_json: objects, buckets and errors as Cloud Storage's JSON has them.
 *
 * Used by   gcs_work.c, gcs_upload.c, gcs_call.c.
 * Owns      what comes back is the caller's; NULL: memory.
 * Thread    any.
 * Source    cloud.google.com/storage/docs/json_api/v1/objects#resource, …/status-codes
 */
#ifndef SERVER_GCS_JSON_H_
#define SERVER_GCS_JSON_H_

#include <jansson.h>

#include "buckets/bucket_tree.h"
#include "buckets/object_info.h"
#include "server/gcs_request.h"

C_DECLS_BEGIN

/* crc32c in base64, and md5 in base64. */
#define GCS_CRC32C_CHARS 9
#define GCS_MD5_CHARS 25
#define GCS_ETAG_CHARS 48

json_t *gcs_json_object(struct span base_url, const struct bucket_name *bucket, const struct object_info *info);
json_t *gcs_json_bucket(struct span base_url, const struct bucket_info *info);
json_t *gcs_json_error(int http, const struct err *err);
/* not_modified: what was asked for is to be read, and only when it is another one. */
int gcs_http_status(const struct err *err, bool not_modified);

void gcs_crc32c_format(uint32_t crc32c, char text[GCS_CRC32C_CHARS]);
void gcs_md5_format(const uint8_t *md5, char text[GCS_MD5_CHARS]);
void gcs_etag_format(const struct object_info *info, char text[GCS_ETAG_CHARS]);

C_DECLS_END

#endif /* SERVER_GCS_JSON_H_ */
