/* operations: the google.longrunning.Operation that stands for a deletion or a cancellation.
 *
 * Used by   controller files.
 * Shape     name "projects/P/locations/L/operations/ID"; metadata DeleteOperationMetadata or GenericOperationMetadata
 *           of the version of the call that made it; response google.protobuf.Empty.
 * Owns      the name is malloc'd and the struct's own.
 * Errors    ERR_CORRUPT when bytes are no operation of this kind, ERR_EXHAUSTED when memory is gone.
 */
#ifndef JOB_OPERATIONS_H_
#define JOB_OPERATIONS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/api.h"

C_DECLS_BEGIN

enum operation_kind { OPERATION_CANCEL, OPERATION_DELETE };

struct operation {
    uint64_t id;
    enum operation_kind kind;
    enum api_version version;
    int64_t create_time_unix_ns;
    char *name;
};

/* parent: "projects/P/locations/L". */
MUST_USE struct operation *operation_create(enum operation_kind kind, uint64_t id, struct span parent,
                                            enum api_version version, int64_t create_time_unix_ns, struct err *err);
void operation_destroy(struct operation *operation);

struct operation_progress {
    int64_t update_time_unix_ns;
    bool done;
    const struct err *error; /* NULL: done means it worked */
};

/* The bytes live as long as the arena. */
MUST_USE int operation_encode(const struct operation *operation, const struct operation_progress *progress,
                              upb_Arena *arena, struct span *ret_bytes, struct err *err);
/* When it was last changed, which of a done one is its end; 0 when the bytes do not tell. */
int64_t operation_update_time(struct span bytes);
MUST_USE struct operation *operation_decode(struct span bytes, struct err *err);

C_DECLS_END

#endif /* JOB_OPERATIONS_H_ */
