/* api: short names for the long names of the generated upb code; the only place that knows them.
 *
 * Used by   job/, server/, cli/.
 * Shape     one family of types serves v1 and v1beta1: v1beta1 is v1 plus MachineSpec's fields 6 and 9 (facts/vertex-customjob.md
 *           §1), so everything is decoded as v1beta1 and a v1 request is rid of those two, as unknown fields are.
 * Runtime   upb. A message lives as long as its arena; an arena never crosses threads while in use.
 */
#ifndef JOB_API_H_
#define JOB_API_H_

#include "base/span.h"

enum api_version { API_V1 = 1, API_V1BETA1 = 2 };

#endif /* JOB_API_H_ */
