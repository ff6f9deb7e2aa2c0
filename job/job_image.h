/* job_image: the stored form of a CustomJob: output fields first, then the spec's bytes as they were normalised once.
 *
 * Used by   job/controller.c. A change of state writes new outputs before the same spec bytes: nothing is decoded.
 * Shape     wire bytes of google.cloud.aiplatform.v1.CustomJob; fields 1, 5–10 in the head, all others in the tail.
 * Thread    any; pure.
 */
#ifndef JOB_JOB_IMAGE_H_
#define JOB_JOB_IMAGE_H_

#include <stdint.h>

#include "base/blob.h"
#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* The outputs of a job. Times in ns since 1970; 0: not set. Spans are borrowed. */
struct job_outputs {
    struct span name;
    uint32_t state; /* JobState */
    int64_t create_time_unix_ns;
    int64_t start_time_unix_ns;
    int64_t end_time_unix_ns;
    int64_t update_time_unix_ns;
    int32_t error_code; /* google.rpc.Code; 0: no error */
    struct span error_message;
};

/* Outputs and spec bytes as one blob. ERR_EXHAUSTED: memory, or above LIMIT_VALUE_BYTES. */
MUST_USE int job_image_build(const struct job_outputs *outputs, struct span spec_wire, struct blob **ret_image,
                             struct err *err);
/* Takes an image apart; all spans point into it. ERR_CORRUPT when it is not of our making. */
MUST_USE int job_image_split(struct span image, struct job_outputs *ret_outputs, struct span *ret_spec_wire,
                             struct err *err);

C_DECLS_END

#endif /* JOB_JOB_IMAGE_H_ */
