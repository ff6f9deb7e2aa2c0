/* google.longrunning.Operations: deletions and cancellations as they stand in the store.
 *
 * Operations are named by location. A name with a job in it, ".../customJobs/J/operations/O", which some clients can
 * make, finds the same operation; what is answered carries the stored name. ListOperations takes the location, or the
 * location with "/operations"; it lists newest first. Wait answers what there is when its time is up, shortly before
 * the call's own deadline. A wait whose client is gone ends. */
#include <stdio.h>

#include "base/limits.h"
#include "google/longrunning/operations.upb.h"
#include "google/protobuf/duration.upb.h"
#include "server/call_command.h"
#include "server/handlers.h"
#include "server/list_request.h"
#include "server/request_decode.h"
#include "server/request_fault.h"
#include "server/resource_name.h"
#include "server/services.h"

#define LRO(name) google_longrunning_##name

enum { LIST_FIELD_OPERATIONS = 1 };

/* So that the answer reaches the client before the call's deadline does. */
#define WAIT_MARGIN_NS (100 * CLOCK_NS_PER_MS)

static const struct span nothing = {"", 0};

/* ---- names ---- */

/* The name under which the store has it. */
static int stored_name(struct call *call, struct span name, struct span *ret_name, struct err *err)
{
    struct resource_name parsed;
    size_t size;
    char *text;

    if (resource_name_parse_operation(name, &parsed, err)) {
        return -1;
    }
    if (parsed.job.size == 0) {
        *ret_name = name;
        return 0;
    }
    size = parsed.parent.size + sizeof "/operations/" + parsed.operation.size;
    text = call_allocate(call, size);
    if (!text) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a name");
    }
    snprintf(text, size, "%.*s/operations/%.*s", SPAN_FORMAT(parsed.parent), SPAN_FORMAT(parsed.operation));
    *ret_name = span_of(text);
    return 0;
}

/* The operation that a request of one name asks for; NULL: the call has been answered. */
static struct store_version *find(struct call *call)
{
    const struct store *store = call_services(call)->store;
    struct store_version *version;
    struct err err = ERR_INIT;
    struct span name;
    struct span stored;

    if (request_read_name(call_request(call), call_arena(call), &name, &err)) {
        request_fault_reply_error(call, &err);
        return NULL;
    }
    if (stored_name(call, name, &stored, &err)) {
        request_fault_reply(call, "name", &err);
        return NULL;
    }
    version = store_get_by_name(store, STORE_TABLE_OPERATION, stored);
    if (!version) {
        err_set(&err, ERR_NOT_FOUND, "The Operation \"%.*s\" was not found.", SPAN_FORMAT(name));
        call_reply_error(call, &err, name);
    }
    return version;
}

/* ---- Get, Cancel ---- */

void handle_get_operation(struct call *call)
{
    struct store_version *version = find(call);

    if (version) {
        call_reply_version(call, version);
    }
}

/* A deletion goes on, and so does a cancellation: best effort, as the method promises. */
void handle_cancel_operation(struct call *call)
{
    struct store_version *version = find(call);

    if (version) {
        store_version_unref(version);
        call_reply(call, nothing);
    }
}

/* ---- commands: Wait, Delete ---- */

static void delete_done(struct command *command, const struct command_result *result)
{
    struct call *call = call_of_command(command);

    if (result->err) {
        call_reply_error(call, result->err, command->name);
    } else {
        call_reply(call, nothing);
    }
}

void handle_delete_operation(struct call *call)
{
    struct command command = {.kind = COMMAND_DELETE_OPERATION, .done = delete_done};
    struct err err = ERR_INIT;
    struct span name;

    if (request_read_name(call_request(call), call_arena(call), &name, &err)) {
        request_fault_reply_error(call, &err);
    } else if (stored_name(call, name, &command.name, &err)) {
        request_fault_reply(call, "name", &err);
    } else {
        call_submit(call, &command);
    }
}

/* *ret_ns: INT64_MAX without one. */
static int read_timeout(const google_protobuf_Duration *timeout, int64_t *ret_ns, struct err *err)
{
    int64_t seconds;
    int32_t nanos;

    if (!timeout) {
        *ret_ns = INT64_MAX;
        return 0;
    }
    seconds = google_protobuf_Duration_seconds(timeout);
    nanos = google_protobuf_Duration_nanos(timeout);
    if (seconds < 0 || nanos < 0 || nanos >= CLOCK_NS_PER_S || seconds > LIMIT_DURATION_S) {
        return err_set(err, ERR_INVALID, "The timeout must be a Duration from 0 to %lld s.",
                       (long long)LIMIT_DURATION_S);
    }
    *ret_ns = seconds < LIMIT_OPERATION_WAIT_S ? seconds * CLOCK_NS_PER_S + nanos : INT64_MAX;
    return 0;
}

static int64_t wait_deadline(const struct call *call, int64_t timeout_ns)
{
    const int64_t limit_ns = LIMIT_OPERATION_WAIT_S * CLOCK_NS_PER_S;
    int64_t due = clock_mono_ns(call_services(call)->clock) + (timeout_ns < limit_ns ? timeout_ns : limit_ns);
    int64_t of_call = call_deadline_mono_ns(call);

    if (of_call != INT64_MAX && of_call - WAIT_MARGIN_NS < due) {
        due = of_call - WAIT_MARGIN_NS;
    }
    return due;
}

static int check_wait(struct call *call, struct violations *violations, struct command *command, struct err *err)
{
    LRO(WaitOperationRequest) *message = LRO(WaitOperationRequest_new)(call_arena(call));
    int64_t timeout_ns = 0;

    if (request_decode(call_request(call), message, &LRO(WaitOperationRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    if (stored_name(call, api_span(LRO(WaitOperationRequest_name)(message)), &command->name, err) &&
        request_fault_note(violations, "name", err)) {
        return -1;
    }
    if (read_timeout(LRO(WaitOperationRequest_timeout)(message), &timeout_ns, err) &&
        request_fault_note(violations, "timeout", err)) {
        return -1;
    }
    command->deadline_mono_ns = wait_deadline(call, timeout_ns);
    return 0;
}

void handle_wait_operation(struct call *call)
{
    struct command command = {.kind = COMMAND_WAIT_OPERATION, .done = call_reply_result_version};
    struct violations violations;
    struct err err = ERR_INIT;

    violations_init(&violations, call_arena(call));
    if (check_wait(call, &violations, &command, &err)) {
        request_fault_reply_error(call, &err);
    } else if (violations.count > 0) {
        call_reply_violations(call, &violations);
    } else {
        call_submit(call, &command);
    }
}

/* ---- List ---- */

/* "projects/P/locations/L", with or without the collection behind it. */
static int list_parent(struct span name, struct span *ret_parent, struct err *err)
{
    const struct span collection = span_of("/operations");
    struct resource_name parsed;

    if (name.size > collection.size && span_equal(span_skip(name, name.size - collection.size), collection)) {
        name.size -= collection.size;
    }
    if (resource_name_parse_location(name, &parsed, err)) {
        return -1;
    }
    *ret_parent = name;
    return 0;
}

static int check_list(struct call *call, struct violations *violations, struct list_request *request,
                      struct store_query *query, struct err *err)
{
    LRO(ListOperationsRequest) *message = LRO(ListOperationsRequest_new)(call_arena(call));

    if (request_decode(call_request(call), message, &LRO(ListOperationsRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    if (LRO(ListOperationsRequest_return_partial_success)(message)) {
        return err_set(err, ERR_UNSUPPORTED,
                       "ListOperations does not support return_partial_success: nothing is "
                       "unreachable in one location.");
    }
    *request = (struct list_request){.table = STORE_TABLE_OPERATION,
                                     .filter_of = LIST_FILTER_OPERATIONS,
                                     .query = {.method = call_method(call),
                                               .parent = nothing,
                                               .filter = api_span(LRO(ListOperationsRequest_filter)(message))},
                                     .page_token = api_span(LRO(ListOperationsRequest_page_token)(message)),
                                     .page_size = LRO(ListOperationsRequest_page_size)(message)};
    if (list_parent(api_span(LRO(ListOperationsRequest_name)(message)), &request->query.parent, err) &&
        request_fault_note(violations, "name", err)) {
        return -1;
    }
    return list_request_check(call, request, violations, query, err);
}

static void reply_page(struct call *call, const struct list_request *request, struct store_page *page)
{
    struct err err = ERR_INIT;
    struct span token;

    if (list_request_next_token(call, request, page, &token, &err)) {
        store_page_release(page);
        request_fault_reply_error(call, &err);
    } else {
        call_reply_page(call, LIST_FIELD_OPERATIONS, page, token);
    }
}

void handle_list_operations(struct call *call)
{
    struct store_page page = {.count = 0};
    struct list_request request;
    struct store_query query;
    struct violations violations;
    struct err err = ERR_INIT;

    violations_init(&violations, call_arena(call));
    if (check_list(call, &violations, &request, &query, &err)) {
        request_fault_reply_error(call, &err);
    } else if (violations.count > 0) {
        call_reply_violations(call, &violations);
    } else if (store_list(call_services(call)->store, &query, &page, &err)) {
        request_fault_reply_error(call, &err);
    } else {
        reply_page(call, &request, &page);
    }
}
