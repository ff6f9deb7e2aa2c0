/* violations: all that is wrong with one request, gathered so that one answer tells everything.
 *
 * Used by   job_spec.c, server/ handlers.
 * Shape     field: the path as AIP-203 writes it, "job_spec.worker_pool_specs[0].container_spec.image_uri";
 *           message: a sentence that names the value and the limit.
 * Owns      its texts, in the arena given. Bound: above VIOLATIONS_MAX only counted, and the count told.
 * Thread    the call's.      Errors    when the arena is full, the violation is counted and its text lost.
 */
#ifndef JOB_VIOLATIONS_H_
#define JOB_VIOLATIONS_H_

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define VIOLATIONS_MAX 64

struct upb_Arena;

struct violation {
    const char *field;
    const char *message;
};

struct violations {
    struct upb_Arena *arena;
    size_t count; /* all; items holds the first VIOLATIONS_MAX */
    struct violation items[VIOLATIONS_MAX];
};

void violations_init(struct violations *violations, struct upb_Arena *arena);
/* field may be a printf format for its own arguments through violations_field. */
void violations_add(struct violations *violations, const char *field, const char *format, ...) PRINTF_LIKE(3, 4);
/* A formatted field path in the arena, never NULL. */
const char *violations_field(struct violations *violations, const char *format, ...) PRINTF_LIKE(2, 3);
/* A value as it may stand in a field path or message: its first bytes, without control characters; never NULL. */
const char *violations_show(struct violations *violations, struct span value);

C_DECLS_END

#endif /* JOB_VIOLATIONS_H_ */
