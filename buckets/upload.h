/* upload: an object that comes in several requests, and goes on after a restart of the server.
 *
 * Used by   server/gcs_upload.c.
 * Shape     what is to be stands in a file beside the bytes that have come; bytes that were acknowledged are on the disk. When the
 *           bytes have become an object, the upload is still known, so that a client that missed the answer gets it.
 * Owns      an open upload: its file, locked against other requests, until upload_close.
 * Thread    one at a time for each open upload.      Blocks    on the disk.
 * Bound     LIMIT_UPLOAD_AGE_S; then it is removed.
 * Errors    as object.h; ERR_NOT_FOUND: no such upload; ERR_UNAVAILABLE: another request is at it.
 * Source    cloud.google.com/storage/docs/performing-resumable-uploads
 */
#ifndef BUCKETS_UPLOAD_H_
#define BUCKETS_UPLOAD_H_

#include "buckets/object_writer.h"
#include "buckets/tree_sweep.h"

C_DECLS_BEGIN

struct upload;

/* plan as for object_writer_commit, kept. */
MUST_USE int upload_begin(struct bucket_tree *tree, const struct object_plan *plan, char ret_id[TREE_RANDOM_NAME_BYTES],
                          struct err *err);
MUST_USE int upload_open(struct bucket_tree *tree, struct span id, struct upload **ret_upload, struct err *err);
/* NULL is allowed. */
void upload_close(struct upload *upload);

/* It has become an object: that is told by upload_result, and nothing more can be written. */
bool upload_is_complete(const struct upload *upload);
/* Bytes that have come. */
uint64_t upload_size(const struct upload *upload);
MUST_USE int upload_write(struct upload *upload, const void *bytes, size_t size, struct err *err);
/* What was written is acknowledged after this. */
MUST_USE int upload_sync(struct upload *upload, struct err *err);
MUST_USE int upload_commit(struct upload *upload, struct object_info *ret_info, struct err *err);
MUST_USE int upload_result(struct upload *upload, struct object_info *ret_info, struct err *err);
const struct bucket_name *upload_bucket(const struct upload *upload);
MUST_USE int upload_cancel(struct upload *upload, struct err *err);

C_DECLS_END

#endif /* BUCKETS_UPLOAD_H_ */
