/* api: short names for the long names of the generated upb code; the only place that knows them.
 *
 * Used by   job/, server/.
 * Shape     one family of types serves v1 and v1beta1: v1beta1 is v1 plus fields 6 and 9 of MachineSpec,
 *           so everything is decoded as v1beta1 and a v1 request is rid of those two, as unknown fields are.
 *           API(CustomJob) is the type, API(CustomJob_display_name) its getter, and so on for every generated name.
 * Runtime   upb. A message lives as long as its arena; an arena never crosses threads while in use.
 */
#ifndef JOB_API_H_
#define JOB_API_H_

#include "base/span.h"
#include "google/cloud/aiplatform/v1beta1/accelerator_type.upb.h"
#include "google/cloud/aiplatform/v1beta1/custom_job.upb.h"
#include "google/cloud/aiplatform/v1beta1/env_var.upb.h"
#include "google/cloud/aiplatform/v1beta1/io.upb.h"
#include "google/cloud/aiplatform/v1beta1/machine_resources.upb.h"
#include "google/cloud/aiplatform/v1beta1/reservation_affinity.upb.h"
#include "google/cloud/aiplatform/v1beta1/service_networking.upb.h"
#include "google/protobuf/duration.upb.h"

#define API(name) google_cloud_aiplatform_v1beta1_##name

enum api_version { API_V1 = 1, API_V1BETA1 = 2 };

static inline struct span api_span(upb_StringView view)
{
    return span_make(view.data, view.size);
}

static inline upb_StringView api_view(struct span span)
{
    return upb_StringView_FromDataAndSize(span.data, span.size);
}

#endif /* JOB_API_H_ */
