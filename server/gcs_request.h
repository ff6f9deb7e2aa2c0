/* gcs_request: a request to Cloud Storage's JSON API, read: its parameters, headers and JSON.
 *
 * Used by   gcs.c reads it; gcs_work.c, gcs_upload.c, gcs_download.c go by it.
 * Shape     what a parameter asks that cannot be done is refused by name; those that tell who asks, or which of the fields to send, are
 *           taken and ignored.
 * Owns      json and fields, until gcs_request_deinit; spans lie in the arena.
 * Thread    read on the HTTP thread; one at a time after that.
 * Errors    ERR_INVALID with the name of what is wrong; ERR_UNSUPPORTED.
 */
#ifndef SERVER_GCS_REQUEST_H_
#define SERVER_GCS_REQUEST_H_

#include <jansson.h>
#include <stdint.h>

#include "buckets/object.h"
#include "server/gcs_route.h"

C_DECLS_BEGIN

struct http_exchange;

enum gcs_upload_type { GCS_UPLOAD_NONE, GCS_UPLOAD_MEDIA, GCS_UPLOAD_MULTIPART, GCS_UPLOAD_RESUMABLE };

/* Bytes [first, last] of total; OBJECT_ANY where it says nothing. */
struct gcs_range {
    bool is_there;
    int64_t first;
    int64_t last;
    int64_t total;
};

struct gcs_request {
    struct gcs_route route;
    bool is_head;
    bool wants_media;  /* alt=media */
    bool takes_no_308; /* some clients' HTTP libraries would follow it */
    enum gcs_upload_type upload_type;
    struct span upload_id;
    struct span name; /* of an object to insert */
    struct span prefix;
    struct span delimiter;
    struct span page_token;
    struct span start_offset;
    struct span end_offset;
    struct span permissions; /* the first; all that are asked for are granted */
    uint32_t count_max;
    struct object_conditions conditions;
    struct object_conditions source_conditions;
    struct gcs_range range; /* Range of a download, Content-Range of an upload */
    struct span base_url;   /* "http://HOST" */
    json_t *json;           /* the body, or the part of it that is JSON; NULL: none */
    json_t *fields;         /* of the object to be; never NULL */
    bool has_crc32c;
    bool has_md5;
    uint32_t crc32c;
    uint8_t md5[OBJECT_MD5_BYTES];
    /* An object's bytes within the request's body. */
    uint64_t media_offset;
    uint64_t media_bytes;
};

/* The route is set already. */
MUST_USE int gcs_request_read(struct http_exchange *exchange, struct upb_Arena *arena, struct gcs_request *request,
                              struct err *err);
void gcs_request_deinit(struct gcs_request *request);

C_DECLS_END

#endif /* SERVER_GCS_REQUEST_H_ */
