/* calls: the methods of the server the commands use, one function each.
 *
 * Used by   command_*.c, job_watch.c.
 * Owns      nothing: messages lie in the arena given.
 * Thread    main.      Blocks    as session_call.
 * Errors    as channel.h; ERR_INTERNAL when the answer is no such message.
 */
#ifndef CLI_CALLS_H_
#define CLI_CALLS_H_

#include "cli/session.h"
#include "customjobd/v1/simulation.upb.h"
#include "google/cloud/aiplatform/v1/job_service.upb.h"
#include "google/longrunning/operations.upb.h"

C_DECLS_BEGIN

struct page_request {
    struct span parent;
    struct span filter;
    int32_t page_size; /* 0: the server's choice */
    struct span page_token;
};

MUST_USE int calls_create_job(struct session *session, struct span parent, API(CustomJob) * job, upb_Arena *arena,
                              const API(CustomJob) * *ret_job, struct err *err);
MUST_USE int calls_get_job(struct session *session, struct span name, upb_Arena *arena, const API(CustomJob) * *ret_job,
                           struct err *err);
MUST_USE int calls_list_jobs(struct session *session, const struct page_request *page, upb_Arena *arena,
                             const API(ListCustomJobsResponse) * *ret_response, struct err *err);
/* *ret_operation: the name of the operation that stands for the cancellation; empty when the server names none. */
MUST_USE int calls_cancel_job(struct session *session, struct span name, upb_Arena *arena, struct span *ret_operation,
                              struct err *err);
MUST_USE int calls_delete_job(struct session *session, struct span name, upb_Arena *arena,
                              const google_longrunning_Operation **ret_operation, struct err *err);

MUST_USE int calls_get_operation(struct session *session, struct span name, upb_Arena *arena,
                                 const google_longrunning_Operation **ret_operation, struct err *err);
MUST_USE int calls_list_operations(struct session *session, const struct page_request *page, upb_Arena *arena,
                                   const google_longrunning_ListOperationsResponse **ret_response, struct err *err);
/* One call, which may come back before the operation is done. */
MUST_USE int calls_wait_operation(struct session *session, struct span name, upb_Arena *arena,
                                  const google_longrunning_Operation **ret_operation, struct err *err);
MUST_USE int calls_cancel_operation(struct session *session, struct span name, upb_Arena *arena, struct err *err);
MUST_USE int calls_delete_operation(struct session *session, struct span name, upb_Arena *arena, struct err *err);

MUST_USE int calls_get_clock(struct session *session, upb_Arena *arena, const customjobd_v1_Clock **ret_clock,
                             struct err *err);
MUST_USE int calls_advance_clock(struct session *session, int64_t by_ns, upb_Arena *arena,
                                 const customjobd_v1_Clock **ret_clock, struct err *err);

MUST_USE int calls_get_faults(struct session *session, upb_Arena *arena, const customjobd_v1_Faults **ret_faults,
                              struct err *err);
MUST_USE int calls_set_faults(struct session *session, const customjobd_v1_SetFaultsRequest *request, upb_Arena *arena,
                              const customjobd_v1_Faults **ret_faults, struct err *err);

C_DECLS_END

#endif /* CLI_CALLS_H_ */
