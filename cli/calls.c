#include "cli/calls.h"

#include "google/protobuf/duration.upb.h"

#define JOBS "/google.cloud.aiplatform.v1.JobService/"
#define SIMULATION "/customjobd.v1.Simulation/"
#define OPERATIONS "/google.longrunning.Operations/"
/* One wait for an operation; shorter than a call may take. */
#define WAIT_S 20

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "out of memory");
}

static int no_message(const char *method, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "the server's answer to %s is not the message it should be", method);
}

/* A request with nothing but a name: it is field 1 in all of them, so one encoder does for all. */
static int call_by_name(struct session *session, const char *method, struct span name, upb_Arena *arena,
                        struct span *ret_response, struct err *err)
{
    API(GetCustomJobRequest) *request = API(GetCustomJobRequest_new)(arena);
    size_t size;
    char *wire;

    if (!request) {
        return out_of_memory(err);
    }
    API(GetCustomJobRequest_set_name)(request, api_view(name));
    wire = API(GetCustomJobRequest_serialize)(request, arena, &size);
    return wire ? session_call(session, method, span_make(wire, size), arena, ret_response, err) : out_of_memory(err);
}

static int parse_job(struct span wire, const char *method, upb_Arena *arena, const API(CustomJob) * *ret_job,
                     struct err *err)
{
    const API(CustomJob) *job = API(CustomJob_parse)(wire.data, wire.size, arena);

    if (!job) {
        return no_message(method, err);
    }
    *ret_job = job;
    return 0;
}

static int parse_operation(struct span wire, const char *method, upb_Arena *arena,
                           const google_longrunning_Operation **ret_operation, struct err *err)
{
    const google_longrunning_Operation *operation = google_longrunning_Operation_parse(wire.data, wire.size, arena);

    if (!operation) {
        return no_message(method, err);
    }
    *ret_operation = operation;
    return 0;
}

int calls_create_job(struct session *session, struct span parent, API(CustomJob) * job, upb_Arena *arena,
                     const API(CustomJob) * *ret_job, struct err *err)
{
    static const char method[] = JOBS "CreateCustomJob";
    API(CreateCustomJobRequest) *request = API(CreateCustomJobRequest_new)(arena);
    struct span response;
    size_t size;
    char *wire;

    if (!request) {
        return out_of_memory(err);
    }
    API(CreateCustomJobRequest_set_parent)(request, api_view(parent));
    API(CreateCustomJobRequest_set_custom_job)(request, job);
    wire = API(CreateCustomJobRequest_serialize)(request, arena, &size);
    if (!wire) {
        return out_of_memory(err);
    }
    channel_set_header(session->channel, args_has(session->args, OPTION_REQUEST_ID) ? "x-goog-request-id" : NULL,
                       args_text(session->args, OPTION_REQUEST_ID, ""));
    return session_call(session, method, span_make(wire, size), arena, &response, err)
               ? -1
               : parse_job(response, method, arena, ret_job, err);
}

int calls_get_job(struct session *session, struct span name, upb_Arena *arena, const API(CustomJob) * *ret_job,
                  struct err *err)
{
    static const char method[] = JOBS "GetCustomJob";
    struct span response;

    return call_by_name(session, method, name, arena, &response, err)
               ? -1
               : parse_job(response, method, arena, ret_job, err);
}

int calls_list_jobs(struct session *session, const struct page_request *page, upb_Arena *arena,
                    const API(ListCustomJobsResponse) * *ret_response, struct err *err)
{
    static const char method[] = JOBS "ListCustomJobs";
    API(ListCustomJobsRequest) *request = API(ListCustomJobsRequest_new)(arena);
    struct span response;
    size_t size;
    char *wire;

    if (!request) {
        return out_of_memory(err);
    }
    API(ListCustomJobsRequest_set_parent)(request, api_view(page->parent));
    API(ListCustomJobsRequest_set_filter)(request, api_view(page->filter));
    API(ListCustomJobsRequest_set_page_size)(request, page->page_size);
    API(ListCustomJobsRequest_set_page_token)(request, api_view(page->page_token));
    wire = API(ListCustomJobsRequest_serialize)(request, arena, &size);
    if (!wire) {
        return out_of_memory(err);
    }
    if (session_call(session, method, span_make(wire, size), arena, &response, err)) {
        return -1;
    }
    const API(ListCustomJobsResponse) *parsed = API(ListCustomJobsResponse_parse)(response.data, response.size, arena);

    if (!parsed) {
        return no_message(method, err);
    }
    *ret_response = parsed;
    return 0;
}

int calls_cancel_job(struct session *session, struct span name, upb_Arena *arena, struct span *ret_operation,
                     struct err *err)
{
    struct span response;

    if (call_by_name(session, JOBS "CancelCustomJob", name, arena, &response, err)) {
        return -1;
    }
    *ret_operation = text_span(&channel_status(session->channel)->operation);
    return 0;
}

int calls_delete_job(struct session *session, struct span name, upb_Arena *arena,
                     const google_longrunning_Operation **ret_operation, struct err *err)
{
    static const char method[] = JOBS "DeleteCustomJob";
    struct span response;

    return call_by_name(session, method, name, arena, &response, err)
               ? -1
               : parse_operation(response, method, arena, ret_operation, err);
}

int calls_get_operation(struct session *session, struct span name, upb_Arena *arena,
                        const google_longrunning_Operation **ret_operation, struct err *err)
{
    static const char method[] = OPERATIONS "GetOperation";
    struct span response;

    return call_by_name(session, method, name, arena, &response, err)
               ? -1
               : parse_operation(response, method, arena, ret_operation, err);
}

int calls_list_operations(struct session *session, const struct page_request *page, upb_Arena *arena,
                          const google_longrunning_ListOperationsResponse **ret_response, struct err *err)
{
    static const char method[] = OPERATIONS "ListOperations";
    google_longrunning_ListOperationsRequest *request = google_longrunning_ListOperationsRequest_new(arena);
    const google_longrunning_ListOperationsResponse *parsed;
    struct span response;
    size_t size;
    char *wire;

    if (!request) {
        return out_of_memory(err);
    }
    google_longrunning_ListOperationsRequest_set_name(request, api_view(page->parent));
    google_longrunning_ListOperationsRequest_set_filter(request, api_view(page->filter));
    google_longrunning_ListOperationsRequest_set_page_size(request, page->page_size);
    google_longrunning_ListOperationsRequest_set_page_token(request, api_view(page->page_token));
    wire = google_longrunning_ListOperationsRequest_serialize(request, arena, &size);
    if (!wire) {
        return out_of_memory(err);
    }
    if (session_call(session, method, span_make(wire, size), arena, &response, err)) {
        return -1;
    }
    parsed = google_longrunning_ListOperationsResponse_parse(response.data, response.size, arena);
    if (!parsed) {
        return no_message(method, err);
    }
    *ret_response = parsed;
    return 0;
}

int calls_wait_operation(struct session *session, struct span name, upb_Arena *arena,
                         const google_longrunning_Operation **ret_operation, struct err *err)
{
    static const char method[] = OPERATIONS "WaitOperation";
    google_longrunning_WaitOperationRequest *request = google_longrunning_WaitOperationRequest_new(arena);
    google_protobuf_Duration *timeout =
        request ? google_longrunning_WaitOperationRequest_mutable_timeout(request, arena) : NULL;
    int64_t left = session_left_ns(session);
    struct span response;
    size_t size;
    char *wire;

    if (!timeout) {
        return out_of_memory(err);
    }
    google_longrunning_WaitOperationRequest_set_name(request, api_view(name));
    /* Half of what is left, so that the answer "not done" comes before the call's own deadline. */
    if (left / 2 < WAIT_S * CLOCK_NS_PER_S) {
        google_protobuf_Duration_set_seconds(timeout, left / 2 / CLOCK_NS_PER_S);
        google_protobuf_Duration_set_nanos(timeout, (int32_t)(left / 2 % CLOCK_NS_PER_S));
    } else {
        google_protobuf_Duration_set_seconds(timeout, WAIT_S);
    }
    wire = google_longrunning_WaitOperationRequest_serialize(request, arena, &size);
    if (!wire) {
        return out_of_memory(err);
    }
    return session_call(session, method, span_make(wire, size), arena, &response, err)
               ? -1
               : parse_operation(response, method, arena, ret_operation, err);
}

int calls_cancel_operation(struct session *session, struct span name, upb_Arena *arena, struct err *err)
{
    struct span response;

    return call_by_name(session, OPERATIONS "CancelOperation", name, arena, &response, err);
}

int calls_delete_operation(struct session *session, struct span name, upb_Arena *arena, struct err *err)
{
    struct span response;

    return call_by_name(session, OPERATIONS "DeleteOperation", name, arena, &response, err);
}

static int call_clock(struct session *session, const char *method, struct span request, upb_Arena *arena,
                      const customjobd_v1_Clock **ret_clock, struct err *err)
{
    const customjobd_v1_Clock *clock;
    struct span response;

    if (session_call(session, method, request, arena, &response, err)) {
        return -1;
    }
    clock = customjobd_v1_Clock_parse(response.data, response.size, arena);
    if (!clock) {
        return no_message(method, err);
    }
    *ret_clock = clock;
    return 0;
}

int calls_get_clock(struct session *session, upb_Arena *arena, const customjobd_v1_Clock **ret_clock, struct err *err)
{
    return call_clock(session, SIMULATION "GetClock", span_make("", 0), arena, ret_clock, err);
}

int calls_advance_clock(struct session *session, int64_t by_ns, upb_Arena *arena, const customjobd_v1_Clock **ret_clock,
                        struct err *err)
{
    customjobd_v1_AdvanceClockRequest *request = customjobd_v1_AdvanceClockRequest_new(arena);
    google_protobuf_Duration *by = request ? customjobd_v1_AdvanceClockRequest_mutable_by(request, arena) : NULL;
    size_t size;
    char *wire;

    if (!by) {
        return out_of_memory(err);
    }
    google_protobuf_Duration_set_seconds(by, by_ns / CLOCK_NS_PER_S);
    google_protobuf_Duration_set_nanos(by, (int32_t)(by_ns % CLOCK_NS_PER_S));
    wire = customjobd_v1_AdvanceClockRequest_serialize(request, arena, &size);
    return wire ? call_clock(session, SIMULATION "AdvanceClock", span_make(wire, size), arena, ret_clock, err)
                : out_of_memory(err);
}

static int call_faults(struct session *session, const char *method, struct span request, upb_Arena *arena,
                       const customjobd_v1_Faults **ret_faults, struct err *err)
{
    const customjobd_v1_Faults *faults;
    struct span response;

    if (session_call(session, method, request, arena, &response, err)) {
        return -1;
    }
    faults = customjobd_v1_Faults_parse(response.data, response.size, arena);
    if (!faults) {
        return no_message(method, err);
    }
    *ret_faults = faults;
    return 0;
}

int calls_get_faults(struct session *session, upb_Arena *arena, const customjobd_v1_Faults **ret_faults,
                     struct err *err)
{
    return call_faults(session, SIMULATION "GetFaults", span_make("", 0), arena, ret_faults, err);
}

int calls_set_faults(struct session *session, const customjobd_v1_SetFaultsRequest *request, upb_Arena *arena,
                     const customjobd_v1_Faults **ret_faults, struct err *err)
{
    size_t size;
    char *wire = customjobd_v1_SetFaultsRequest_serialize(request, arena, &size);

    return wire ? call_faults(session, SIMULATION "SetFaults", span_make(wire, size), arena, ret_faults, err)
                : out_of_memory(err);
}
