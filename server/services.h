/* services: what handlers work with; made once by main, the same for every call.
 *
 * Used by   *_service.c through call_services(); main.c fills it.
 * Thread    read-only after start.
 */
#ifndef SERVER_SERVICES_H_
#define SERVER_SERVICES_H_

#include <stdbool.h>

#include "base/clock.h"
#include "job/controller.h"
#include "job/job_spec.h"
#include "storage/store.h"

C_DECLS_BEGIN

struct call_faults;
struct health;
struct log_querier;
struct log_tailer;
struct reflection_index;
struct simulation;

struct services {
    struct store *store; /* reading half */
    struct controller *controller;
    struct executor *executor;     /* for job_logs only */
    const struct clock *clock;     /* of callers, which is real */
    const struct clock *job_clock; /* of jobs */
    bool simulates;                /* replicas are simulated */
    struct simulation *simulation; /* where their time is, too; else NULL */
    struct call_faults *faults;    /* what happens to calls; NULL: nothing */
    struct job_spec_rules rules;
    struct log_tailer *log_tailer;   /* the thread that feeds Logs/Tail streams */
    struct log_querier *log_querier; /* the thread that answers ListLogEntries */
    struct health *health;
    const struct reflection_index *reflection;
    uint64_t page_token_key[2]; /* tokens of another start of the server are refused only when they do not check */
};

C_DECLS_END

#endif /* SERVER_SERVICES_H_ */
