/* reflection_answer: what server reflection answers to one message, as bytes to bytes.
 *
 * Used by   reflection_service.c.
 * Shape     ServerReflectionRequest in, ServerReflectionResponse out, of v1; v1alpha's are the same on the wire. What is
 *           not found is an answer too, an error_response.
 * Owns      nothing: the answer lies in the arena.
 * Thread    the arena's.
 * Errors    ERR_INVALID: the bytes are no such request. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_REFLECTION_ANSWER_H_
#define SERVER_REFLECTION_ANSWER_H_

#include "base/err.h"
#include "base/span.h"
#include "server/reflection_index.h"

C_DECLS_BEGIN

struct upb_Arena;

MUST_USE int reflection_answer(const struct reflection_index *index, struct span request, struct upb_Arena *arena,
                               struct span *ret_response, struct err *err);

C_DECLS_END

#endif /* SERVER_REFLECTION_ANSWER_H_ */
