/* capacity_rules: what a CustomJob's machine types and accelerators ask of this host, and what the host has in all.
 *
 * Used by   job_spec_machines.c at Create, decide_create.c and reconcile.c, capacity.c.
 * Shape     under strict an ask is what the machine type says, and what can never fit is told, each with its field; under
 *           scale it is capped to the host, each cut told: a gang that is too large shares all of the host, and where an
 *           accelerator of that type is none, any other will do. A pool without machine_spec asks for a place alone.
 * Owns      a copy of what it needs of the inventory; machine types are borrowed.
 * Thread    made by one, read by any.      Blocks    never.
 * Source    docs/execution.md §8
 */
#ifndef JOB_CAPACITY_RULES_H_
#define JOB_CAPACITY_RULES_H_

#include <stddef.h>

#include "base/err.h"
#include "executor/host_inventory.h"
#include "job/api.h"
#include "job/job_plan.h"
#include "job/machine_type.h"
#include "job/resources.h"

C_DECLS_BEGIN

enum capacity_mode { CAPACITY_SCALE, CAPACITY_STRICT };

struct capacity_rules;

MUST_USE int capacity_rules_create(enum capacity_mode mode, const struct host_inventory *host,
                                   const struct machine_types *types, struct capacity_rules **ret_rules,
                                   struct err *err);
/* NULL is allowed. */
void capacity_rules_destroy(struct capacity_rules *rules);
enum capacity_mode capacity_rules_mode(const struct capacity_rules *rules);

/* All there is for replicas, but for how many may run. */
struct resources capacity_rules_total(const struct capacity_rules *rules);
size_t capacity_rules_device_count(const struct capacity_rules *rules);
const char *capacity_rules_device(const struct capacity_rules *rules, size_t index, unsigned *ret_class);

/* field: "machine_type", "accelerator_type", … of the pool's machine_spec; "": of all pools together. */
typedef void (*capacity_note_fn)(void *context, size_t pool_index, const char *field, const char *sentence);

/* shape: the job's; ret_ask->pools: room for so many pools. rules NULL: places alone are asked for. note NULL: nobody wants to know. */
void capacity_rules_ask(const struct capacity_rules *rules, const API(CustomJob) * job, const struct job_shape *shape,
                        struct job_ask *ret_ask, capacity_note_fn note, void *context);

C_DECLS_END

#endif /* JOB_CAPACITY_RULES_H_ */
