/* rest_query: percent-decoding, of a path's name and of a query's parameters.
 *
 * Used by   rest_request.c, gcs_route.c, gcs_request.c.
 * Owns      nothing: what was decoded lies in the arena.
 * Thread    the arena's.
 * Errors    ERR_INVALID with the name of the parameter, or what is wrong with the path; ERR_EXHAUSTED.
 * Source    RFC 3986; the URL standard's application/x-www-form-urlencoded, where '+' is a space.
 */
#ifndef SERVER_REST_QUERY_H_
#define SERVER_REST_QUERY_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct upb_Arena;

/* A resource's name, segment by segment: one that holds a '/', or is no UTF-8 or has a NUL, is refused. */
MUST_USE int rest_decode_name(struct span raw, struct upb_Arena *arena, struct span *ret_name, struct err *err);

/* One segment, which may hold a '/' when decoded. */
MUST_USE int rest_decode_segment(struct span raw, struct upb_Arena *arena, struct span *ret_text, struct err *err);

struct rest_parameter {
    struct span name;
    struct span value;
};

/* Takes the next parameter off the query, decoded; empty ones are passed over. *ret_is_end: there was none. */
MUST_USE int rest_next_parameter(struct span *query, struct upb_Arena *arena, struct rest_parameter *ret_parameter,
                                 bool *ret_is_end, struct err *err);

C_DECLS_END

#endif /* SERVER_REST_QUERY_H_ */
