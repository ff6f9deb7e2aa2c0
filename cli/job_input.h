/* job_input: the CustomJob to create, out of a file, gcloud's forms and options.
 *
 * Used by   command_create.c.
 * Shape     a file holds a CustomJob, or a CustomJobSpec (gcloud's --config): told apart by their keys.
 *           workerPoolSpecs may be one mapping in place of a list, as gcloud takes it. Options override the file.
 *           A spec without --display-name is named after its file.
 * Owns      nothing: all lies in the arena.
 * Errors    ERR_INVALID, "FILE:LINE: path: …" or naming the option.
 */
#ifndef CLI_JOB_INPUT_H_
#define CLI_JOB_INPUT_H_

#include "cli/api.h"
#include "cli/args.h"
#include "cli/doc.h"
#include "upb/def.h"

C_DECLS_BEGIN

MUST_USE int job_input_read(const struct args *args, upb_DefPool *pool, upb_Arena *arena, API(CustomJob) * *ret_job,
                            struct err *err);

C_DECLS_END

#endif /* CLI_JOB_INPUT_H_ */
