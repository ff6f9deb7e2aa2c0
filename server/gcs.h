/* gcs: the JSON API of Cloud Storage, as far as its clients need it, over the buckets directory.
 *
 * Used by   http_router.c, where there is a --buckets-dir.
 * Shape     a request goes to and fro between the HTTP thread, which has its bytes, and one of a few workers, which wait for the disk:
 *           no more than a piece of an object is in memory for each.
 * Owns      the tree, the workers, and calls from their start until their answers were sent.
 * Thread    gcs_serve on the HTTP thread; create and destroy main's.
 * Bound     LIMIT_GCS_CALLS at one time.
 * Source    cloud.google.com/storage/docs/json_api/v1; docs/buckets.md tells what is served
 */
#ifndef SERVER_GCS_H_
#define SERVER_GCS_H_

#include <stdbool.h>

#include "base/err.h"

C_DECLS_BEGIN

struct gcs;
struct http_exchange;

MUST_USE int gcs_create(const char *buckets_dir, struct gcs **ret_gcs, struct err *err);
/* A directory on the buckets' file system for what is being received. Lives as long as the gcs. */
const char *gcs_spill_dir(const struct gcs *gcs);
/* No call may be left. NULL is allowed. */
void gcs_destroy(struct gcs *gcs);
/* False: no path of that API; the exchange is as it was. */
bool gcs_serve(struct gcs *gcs, struct http_exchange *exchange);

C_DECLS_END

#endif /* SERVER_GCS_H_ */
