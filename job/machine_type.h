/* machine_type: what a machine type of the API comes to in CPUs, memory and accelerators.
 *
 * Used by   capacity_ask.c, server/main_serve.c.
 * Shape     machine_types.def and accelerator_models.def, and before them what an operator's file says: YAML or JSON,
 *           docs/execution.md tells its keys.
 * Owns      its texts; what is found is valid until machine_types_close.
 * Thread    opened by one, read by any.      Blocks    on the file.
 * Bound     MACHINE_TYPES_MAX entries of each kind, MACHINE_TYPES_FILE_BYTES_MAX.
 * Errors    ERR_IO; ERR_INVALID with path and line, the key, the value and what is expected.
 */
#ifndef JOB_MACHINE_TYPE_H_
#define JOB_MACHINE_TYPE_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define MACHINE_TYPES_MAX 1000
#define MACHINE_TYPES_FILE_BYTES_MAX (1024 * 1024)

struct machine_type {
    const char *name;
    uint64_t cpus;
    uint64_t memory_mib;
    int32_t accelerator_type; /* an AcceleratorType; 0: none comes with it */
    uint64_t accelerator_count;
};

struct machine_types;

/* path: the operator's file; NULL: none. */
MUST_USE int machine_types_open(const char *path, struct machine_types **ret_types, struct err *err);
/* NULL is allowed. */
void machine_types_close(struct machine_types *types);

/* NULL: there is none of that name. */
const struct machine_type *machine_types_find(const struct machine_types *types, struct span name);

/* Whether what the driver calls so is an accelerator of this type. */
bool machine_types_is_model(const struct machine_types *types, int32_t accelerator_type, const char *model);

/* "NVIDIA_L4"; "accelerator type 99" has none. */
const char *accelerator_type_name(int32_t accelerator_type);
bool accelerator_type_is_tpu(int32_t accelerator_type);

C_DECLS_END

#endif /* JOB_MACHINE_TYPE_H_ */
