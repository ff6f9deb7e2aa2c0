/* doc_typed: gives a doc the types of a message: proto3 JSON for upb_JsonDecode out of what people write.
 *
 * Used by   job_input.c.
 * Shape     field names in camelCase or snake_case. A field of type string takes a plain YAML scalar as it was written
 *           (0.10 stays "0.10"); a number or true in quotes is taken where proto3 JSON takes it. Enum values by name.
 * Thread    any; pure.
 * Errors    ERR_INVALID, the first that is found: "FILE:LINE: job_spec.worker_pool_specs[0].x: …", and for a name that
 *           does not exist the one that was probably meant. ERR_EXHAUSTED above LIMIT_REQUEST_BYTES.
 */
#ifndef CLI_DOC_TYPED_H_
#define CLI_DOC_TYPED_H_

#include "base/text.h"
#include "cli/doc.h"
#include "upb/def.h"

C_DECLS_BEGIN

/* source: what the document is called in errors; path: where it stands in the message, "" for the whole. */
MUST_USE int doc_typed_json(const struct doc *doc, const upb_MessageDef *type, const char *source, const char *path,
                            struct text *json, struct err *err);

C_DECLS_END

#endif /* CLI_DOC_TYPED_H_ */
