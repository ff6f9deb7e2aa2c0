/* waits: calls that wait for the end of an operation.
 *
 * Used by   controller files.
 * Shape     at most LIMIT_OPERATION_WAITS; each ends when its operation is done, at its deadline, when its caller is
 *           gone, or at the stop.
 * Units     deadlines in ns of the monotonic clock.
 * Owns      its entries, never the commands.
 * Errors    ERR_EXHAUSTED when too many wait.
 */
#ifndef JOB_WAITS_H_
#define JOB_WAITS_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct command;
struct mail;
struct waits;

MUST_USE int waits_create(struct waits **ret_waits, struct err *err);
/* Nobody may wait any more. */
void waits_destroy(struct waits *waits);

MUST_USE int waits_add(struct waits *waits, struct command *command, uint64_t operation_id, int64_t deadline_mono_ns,
                       struct err *err);
/* Takes out one that waits for this operation, or NULL. */
struct command *waits_take(struct waits *waits, uint64_t operation_id);
/* Takes out one whose deadline has passed, or NULL. */
struct command *waits_take_due(struct waits *waits, int64_t now_mono_ns, uint64_t *ret_operation_id);
/* Takes out those whose caller is gone, or all: linked by command.mail. */
struct mail *waits_dismiss(struct waits *waits, bool everyone);
int64_t waits_next_ns(const struct waits *waits);

C_DECLS_END

#endif /* JOB_WAITS_H_ */
