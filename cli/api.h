/* api: short names for the long names of the generated code the client uses; it speaks v1.
 *
 * Used by   everything in cli/ that handles messages.
 * Runtime   upb. A message lives as long as its arena.
 */
#ifndef CLI_API_H_
#define CLI_API_H_

#include "base/clock.h"
#include "base/span.h"
#include "google/cloud/aiplatform/v1/custom_job.upb.h"
#include "google/cloud/aiplatform/v1/job_state.upb.h"
#include "google/protobuf/timestamp.upb.h"
#include "google/rpc/status.upb.h"

#define API(name) google_cloud_aiplatform_v1_##name

static inline struct span api_span(upb_StringView view)
{
    return span_make(view.data, view.size);
}

static inline upb_StringView api_view(struct span span)
{
    return upb_StringView_FromDataAndSize(span.data, span.size);
}

/* ns since 1970; 0 when absent or not a time of our age. */
static inline int64_t api_time(const google_protobuf_Timestamp *time)
{
    int64_t ns;

    if (!time || __builtin_mul_overflow(google_protobuf_Timestamp_seconds(time), CLOCK_NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, google_protobuf_Timestamp_nanos(time), &ns) || ns < 0) {
        return 0;
    }
    return ns;
}

#endif /* CLI_API_H_ */
