/* gcs_multipart: a multipart/related body of two parts, an object's resource in JSON and its bytes.
 *
 * Used by   gcs_request.c.
 * Shape     only the heads of the parts are looked at, and the body's last bytes: what lies between is the object's.
 * Owns      nothing: spans point into the body.
 * Thread    any; pure.
 * Errors    ERR_INVALID.
 * Source    RFC 2387, RFC 2046 5.1
 */
#ifndef SERVER_GCS_MULTIPART_H_
#define SERVER_GCS_MULTIPART_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct gcs_multipart {
    struct span json;
    struct span media_type; /* of the second part; empty: not said */
    uint64_t media_offset;
    uint64_t media_bytes;
};

MUST_USE int gcs_multipart_read(struct span content_type, struct span body, struct gcs_multipart *ret_multipart,
                                struct err *err);

C_DECLS_END

#endif /* SERVER_GCS_MULTIPART_H_ */
