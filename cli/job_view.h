/* job_view: a job as people read it: one row of a list, or all of it.
 *
 * Used by   command_jobs.c, command_create.c, job_watch.c.
 * Shape     times in UTC; how long it ran from start to end, or to now.
 * Thread    any; pure.
 */
#ifndef CLI_JOB_VIEW_H_
#define CLI_JOB_VIEW_H_

#include "cli/api.h"
#include "cli/table.h"

C_DECLS_BEGIN

extern const char *const job_view_titles[];

/* The last segment of a name. */
struct span job_view_id(struct span name);
int64_t job_view_replicas(const API(CustomJob) * job);
void job_view_add_row(struct table *table, const API(CustomJob) * job, int64_t now_unix_ns);
/* Lines "Name:  …"; control characters are made visible. */
void job_view_add(struct text *text, const API(CustomJob) * job, int64_t now_unix_ns, bool colour);

C_DECLS_END

#endif /* CLI_JOB_VIEW_H_ */
