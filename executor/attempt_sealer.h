/* attempt_sealer: seals the files of jobs that name a key, on a thread of its own.
 *
 * Used by   process_thread.c.
 * Shape     a job that is to be sealed has a mark (seal_mark.h). When one of its attempts has ended, its logs, argv and
 *           env are sealed (sealed_job.h); when the job has, its service.log follows, and whatever a crash or a missing
 *           key left. events, conf and lock stay plain: how an attempt ended shall be known without a key. home/ is the
 *           replica's and is not touched.
 * Owns      its thread.
 * Thread    begin, attempt_ended, end, sweep: one.      Blocks    destroy, for the file at hand.
 * Errors    what cannot be sealed now (its key does not answer, the disk is full) stays plain until the job ends, and then
 *           until the next start of the server; told by log.
 */
#ifndef EXECUTOR_ATTEMPT_SEALER_H_
#define EXECUTOR_ATTEMPT_SEALER_H_

#include "executor/process_config.h"

C_DECLS_BEGIN

struct attempt_sealer;

MUST_USE int attempt_sealer_create(const struct process_config *config, struct attempt_sealer **ret_sealer,
                                   struct err *err);
/* NULL is allowed. What was not sealed is so after the next start. */
void attempt_sealer_destroy(struct attempt_sealer *sealer);

/* The job lives, and its files are to be sealed. Takes over key_name. */
void attempt_sealer_begin(struct attempt_sealer *sealer, uint64_t job_id, char *key_name);
void attempt_sealer_attempt_ended(struct attempt_sealer *sealer, const struct execution_key *key);
/* job_id 0: every job that has a mark and did not begin since the sealer was made. */
void attempt_sealer_end(struct attempt_sealer *sealer, uint64_t job_id);

C_DECLS_END

#endif /* EXECUTOR_ATTEMPT_SEALER_H_ */
