/* status: the one place where an error becomes a gRPC status, with its details.
 *
 * Used by   call.c, when a handler answers with call_reply_error or call_reply_violations.
 * Shape     details is a google.rpc.Status in wire form with the same code and message, and ErrorInfo (domain
 *           "customjobd"), ResourceInfo when there is a resource name, BadRequest for violations.
 * Owns      nothing: message and details lie in the arena given, or in static storage.
 * Thread    the arena's; pure.
 * Errors    when the arena is full, details are empty and code and message still stand.
 * Source    docs/ARCHITECTURE.md; AIP-193; google/rpc/error_details.proto.
 */
#ifndef SERVER_STATUS_H_
#define SERVER_STATUS_H_

#include "base/err.h"
#include "base/span.h"
#include "job/violations.h"

C_DECLS_BEGIN

struct upb_Arena;

struct status {
    int code; /* google.rpc.Code, which is grpc_status_code */
    struct span message;
    struct span details;
};

void status_from_err(const struct err *err, struct span resource_name, struct upb_Arena *arena,
                     struct status *ret_status);
void status_from_violations(const struct violations *violations, struct upb_Arena *arena, struct status *ret_status);

C_DECLS_END

#endif /* SERVER_STATUS_H_ */
