/* blob: immutable bytes with a reference count, the form in which bytes cross threads.
 *
 * Shape     one allocation: header, then the bytes.      Units     bytes.
 * Owns      its bytes until the last unref.
 * Thread    any; ref and unref are atomic. The bytes are written only between blob_create and the first
 *           hand-over to another thread.
 * Errors    blob_create returns NULL when memory is gone.
 */
#ifndef BASE_BLOB_H_
#define BASE_BLOB_H_

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct blob;

/* A blob of size bytes, uninitialised, with one reference. Fill it through blob_bytes before sharing it. */
MUST_USE struct blob *blob_create(size_t size);
/* A blob with a copy of the span. */
MUST_USE struct blob *blob_copy(struct span bytes);

/* The writable bytes, for the maker alone. */
char *blob_bytes(struct blob *blob);
struct span blob_span(const struct blob *blob);

struct blob *blob_ref(struct blob *blob);
/* NULL is allowed. */
void blob_unref(struct blob *blob);

C_DECLS_END

#endif /* BASE_BLOB_H_ */
