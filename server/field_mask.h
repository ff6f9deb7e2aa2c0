/* field_mask: the fields of a CustomJob that a read mask names, and a stored job cut down to them.
 *
 * Used by   custom_job_service.c.
 * Shape     paths of field names joined by dots, in snake_case or lowerCamelCase: "name", "job_spec.scheduling",
 *           "jobSpec.workerPoolSpecs.*.replicaCount", "labels.team". Through a list or a map a path goes by "*", through
 *           a map also by a key. "*" alone is everything. The cut is made on the wire bytes: a message that is there
 *           stays there, even when nothing of it is asked for but what it does not have.
 * Owns      a mask lives in the arena and borrows its paths. The names come from the API's descriptors, read once per
 *           process when the first mask comes, and kept.
 * Bound     LIMIT_MASK_PATHS paths of LIMIT_MASK_PATH_BYTES.
 * Thread    the arena's; the descriptors are shared.
 * Errors    ERR_INVALID: a path that names no field; the sentence says which part of it. ERR_EXHAUSTED: memory.
 *           ERR_CORRUPT: the job's bytes are none.
 * Source    AIP-157, AIP-161; google/protobuf/field_mask.proto.
 */
#ifndef SERVER_FIELD_MASK_H_
#define SERVER_FIELD_MASK_H_

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "job/api.h"

C_DECLS_BEGIN

struct field_mask;

/* Without paths: nothing is asked for. version: whose field names count. */
MUST_USE int field_mask_create(enum api_version version, upb_Arena *arena, struct field_mask **ret_mask,
                               struct err *err);
/* On failure the mask is as it was. */
MUST_USE int field_mask_add(struct field_mask *mask, struct span path, struct err *err);
/* Everything is asked for: there is nothing to cut. */
bool field_mask_is_all(const struct field_mask *mask);
/* The job's bytes with nothing but the mask's fields, in the arena. */
MUST_USE int field_mask_apply(const struct field_mask *mask, struct span custom_job_wire, upb_Arena *arena,
                              struct span *ret_wire, struct err *err);

C_DECLS_END

#endif /* SERVER_FIELD_MASK_H_ */
