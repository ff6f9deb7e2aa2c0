/* gcs_fields: what a client may say of an object in JSON: taken, ignored, or refused by name.
 *
 * Used by   gcs_request.c.
 * Thread    any.
 * Errors    ERR_INVALID, ERR_UNSUPPORTED with the field's name.
 * Source    cloud.google.com/storage/docs/json_api/v1/objects#resource
 */
#ifndef SERVER_GCS_FIELDS_H_
#define SERVER_GCS_FIELDS_H_

#include <jansson.h>

#include "base/err.h"
#include "server/gcs_request.h"

C_DECLS_BEGIN

/* Puts those of a resource that are kept into fields, and the checksums into the request. */
MUST_USE int gcs_fields_take(const json_t *resource, struct gcs_request *request, struct err *err);
/* "crc32c=…,md5=…" of x-goog-hash. */
MUST_USE int gcs_fields_take_hashes(struct span header, struct gcs_request *request, struct err *err);

C_DECLS_END

#endif /* SERVER_GCS_FIELDS_H_ */
