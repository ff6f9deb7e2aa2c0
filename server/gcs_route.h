/* gcs_route: which method of Cloud Storage a path and a verb mean.
 *
 * Used by   gcs.c.
 * Shape     a name is one segment of the path, percent-decoded as one: "a%2Fb" is the object "a/b".
 * Owns      nothing: decoded names lie in the arena.
 * Thread    the arena's.
 * Errors    as bucket_name.h; ERR_UNSUPPORTED: a path of that API that is not served, by name.
 */
#ifndef SERVER_GCS_ROUTE_H_
#define SERVER_GCS_ROUTE_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "buckets/bucket_name.h"

C_DECLS_BEGIN

struct upb_Arena;

enum gcs_method {
    GCS_LIST_BUCKETS,
    GCS_INSERT_BUCKET,
    GCS_GET_BUCKET,
    GCS_DELETE_BUCKET,
    GCS_TEST_PERMISSIONS,
    GCS_LIST_OBJECTS,
    GCS_GET_OBJECT, /* with alt=media its bytes */
    GCS_PATCH_OBJECT,
    GCS_UPDATE_OBJECT,
    GCS_DELETE_OBJECT,
    GCS_COPY_OBJECT,
    GCS_MOVE_OBJECT,
    GCS_REWRITE_OBJECT,
    GCS_COMPOSE_OBJECT,
    GCS_DOWNLOAD_OBJECT,
    GCS_INSERT_OBJECT, /* uploadType says how */
    GCS_CONTINUE_UPLOAD,
    GCS_CANCEL_UPLOAD
};

struct gcs_route {
    enum gcs_method method;
    struct bucket_name bucket;
    struct object_name object;
    struct bucket_name to_bucket; /* of copy, move and rewrite */
    struct object_name to_object;
};

bool gcs_route_is_ours(struct span path);
/* A path that gcs_route_is_ours. */
MUST_USE int gcs_route_find(struct span verb, struct span path, struct upb_Arena *arena, struct gcs_route *ret_route,
                            struct err *err);
/* Its requests carry an object's bytes, and may be that long. */
bool gcs_route_is_upload(struct span path);

C_DECLS_END

#endif /* SERVER_GCS_ROUTE_H_ */
