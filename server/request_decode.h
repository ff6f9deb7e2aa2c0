/* request_decode: a request's wire bytes, as a message or as the few fields that a handler needs.
 *
 * Used by   *_service.c.
 * Shape     Create is read off the wire and never decoded as a whole: what upb may be given of a job, job_spec.c decides.
 *           Requests of one name are read off the wire without building a message; where that reading is in doubt,
 *           upb decides, so that both take and refuse the same bytes.
 * Owns      nothing: strings point into the request's bytes, or into the arena.
 * Bound     nesting at most LIMIT_REQUEST_DEPTH.
 * Thread    the arena's.
 * Errors    ERR_INVALID: malformed bytes, a string that is not UTF-8, too deep. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_REQUEST_DECODE_H_
#define SERVER_REQUEST_DECODE_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct upb_Arena;
struct upb_MiniTable;

/* message: a new one of that layout; NULL (memory was gone) is refused here, so that the caller need not look. */
MUST_USE int request_decode(struct span bytes, void *message, const struct upb_MiniTable *layout,
                            struct upb_Arena *arena, struct err *err);

/* Of a request whose one field is `string name = 1`: Get, Cancel and Delete of jobs and operations. */
MUST_USE int request_read_name(struct span bytes, struct upb_Arena *arena, struct span *ret_name, struct err *err);

struct create_request {
    struct span parent;
    bool has_custom_job;
    struct span custom_job_wire; /* as the client sent it: not decoded, and not checked */
};

/* Of CreateCustomJobRequest. */
MUST_USE int request_read_create(struct span bytes, struct upb_Arena *arena, struct create_request *ret_request,
                                 struct err *err);

C_DECLS_END

#endif /* SERVER_REQUEST_DECODE_H_ */
