/* job_seal: what of a job whose records are sealed stays in clear, and what is said while its key is not here.
 *
 * Used by   server/main_serve.c (gives the outline to the store), server/ (Get, Tail), decide_cancel.c.
 * Shape     an outline is a CustomJob with name, state, times and encryption_spec alone; of other tables it is empty.
 * Thread    any; pure.
 */
#ifndef JOB_JOB_SEAL_H_
#define JOB_JOB_SEAL_H_

#include "base/err.h"
#include "base/span.h"
#include "storage/store.h"

C_DECLS_BEGIN

/* A store_outline_fn. */
size_t job_seal_outline(enum store_table table, struct span value, char *bytes, size_t bytes_max);
/* Says of a locked job that it is, and what brings it back. Always returns -1. */
int job_seal_refuse(const struct store_version *version, struct err *err);

C_DECLS_END

#endif /* JOB_JOB_SEAL_H_ */
