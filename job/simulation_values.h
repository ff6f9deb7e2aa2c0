/* simulation_values: what several parts of a scenario file write alike, and its faults of calls.
 *
 * Used by   simulation_file.c.
 * Owns, Thread, Errors  as yaml_keys.h.
 */
#ifndef JOB_SIMULATION_VALUES_H_
#define JOB_SIMULATION_VALUES_H_

#include "job/simulation_file.h"
#include "job/yaml_keys.h"

C_DECLS_BEGIN

/* yaml_value_fn: "90s" into an int64_t of ns. */
MUST_USE int simulation_take_duration(struct yaml_source *source, const yaml_node_t *value, const char *key,
                                      void *target, struct err *err);
/* yaml_value_fn: a mapping into a struct call_fault. */
MUST_USE int simulation_take_fault(struct yaml_source *source, const yaml_node_t *value, const char *key, void *target,
                                   struct err *err);

C_DECLS_END

#endif /* JOB_SIMULATION_VALUES_H_ */
