/* job_spec_text: UTF-8 as the API counts and limits it.
 *
 * Used by   job_spec files.
 * Thread    any.
 * Source    RFC 3629; custom_job.proto, CustomJob.labels; the sentence the real service answers bad labels with.
 */
#ifndef JOB_JOB_SPEC_TEXT_H_
#define JOB_JOB_SPEC_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* Takes one character off the front; false when there is none, or no UTF-8. */
bool text_next(struct span *rest, uint32_t *ret_character);
/* How many bytes at the front are UTF-8; all of them when it is. */
size_t text_utf8_bytes(struct span text);
/* Code points of a text that is UTF-8. */
size_t text_chars(struct span text);

/* A letter that is not upper case, of any script and with its marks, or a digit. */
bool text_is_lower_or_digit(uint32_t character);
/* *= proto: EnvVar.name "Must be a valid C identifier". */
bool text_is_identifier(struct span text);
bool text_has_nul(struct span text);
/* A path with a segment "..", which leads out of where it belongs. */
bool text_leads_out(struct span path);

C_DECLS_END

#endif /* JOB_JOB_SPEC_TEXT_H_ */
