/* The five methods of JobService that are about CustomJobs. Get and List are answered here, from what is published;
 * Create, Cancel and Delete are handed to the controller. */
#include "base/limits.h"
#include "google/cloud/aiplatform/v1beta1/job_service.upb.h"
#include "google/protobuf/field_mask.upb.h"
#include "job/job_seal.h"
#include "job/job_spec.h"
#include "job/wire.h"
#include "server/call_command.h"
#include "server/field_mask.h"
#include "server/handlers.h"
#include "server/list_request.h"
#include "server/request_decode.h"
#include "server/request_fault.h"
#include "server/resource_name.h"
#include "server/services.h"
#include "upb/arena.h"

#define REQUEST_ID_HEADER "x-goog-request-id"

enum { LIST_FIELD_JOBS = 1, LIST_FIELD_NEXT_PAGE_TOKEN = 2 };

static const struct span nothing = {"", 0};

/* ---- Get ---- */

/* A name that no job has: not well-formed, or nobody's. */
static void refuse_unknown(struct call *call, struct span name)
{
    struct resource_name parsed;
    struct err err = ERR_INIT;

    if (resource_name_parse_job(name, &parsed, &err)) {
        request_fault_reply(call, "name", &err);
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "The CustomJob \"%.*s\" was not found.", SPAN_FORMAT(name));
    call_reply_error(call, &err, name);
}

void handle_get_custom_job(struct call *call)
{
    struct store_version *version;
    struct err err = ERR_INIT;
    struct span name;

    if (request_read_name(call_request(call), call_arena(call), &name, &err)) {
        request_fault_reply_error(call, &err);
        return;
    }
    version = store_get_by_name(call_services(call)->store, STORE_TABLE_JOB, name);
    if (version && store_version_is_locked(version)) {
        job_seal_refuse(version, &err);
        store_version_unref(version);
        call_reply_error(call, &err, name);
    } else if (version) {
        call_reply_version(call, version);
    } else {
        refuse_unknown(call, name);
    }
}

/* ---- commands ---- */

static void create_done(struct command *command, const struct command_result *result)
{
    struct call *call = call_of_command(command);

    if (result->err) {
        request_fault_reply_error(call, result->err);
    } else {
        call_reply_version(call, store_version_ref(result->version));
    }
}

static void cancel_done(struct command *command, const struct command_result *result)
{
    struct call *call = call_of_command(command);

    if (result->err) {
        call_reply_error(call, result->err, command->name);
        return;
    }
    if (result->operation_name.size > 0) {
        call_add_trailer(call, "x-operation-name", result->operation_name);
    }
    call_reply(call, nothing); /* google.protobuf.Empty */
}

/* Of a job that is there already. */
static void submit_by_name(struct call *call, enum command_kind kind, command_done_fn done)
{
    struct command command = {.kind = kind, .done = done};
    struct resource_name parsed;
    struct err err = ERR_INIT;

    if (request_read_name(call_request(call), call_arena(call), &command.name, &err)) {
        request_fault_reply_error(call, &err);
    } else if (resource_name_parse_job(command.name, &parsed, &err)) {
        request_fault_reply(call, "name", &err);
    } else {
        call_submit(call, &command);
    }
}

void handle_cancel_custom_job(struct call *call)
{
    submit_by_name(call, COMMAND_CANCEL_JOB, cancel_done);
}

void handle_delete_custom_job(struct call *call)
{
    submit_by_name(call, COMMAND_DELETE_JOB, call_reply_result_version);
}

/* ---- Create ---- */

/* Notes all that is wrong; 0 also then. */
static int check_create(struct call *call, const struct create_request *request, struct violations *violations,
                        struct command *command, struct err *err)
{
    struct job_spec_prepared prepared = {.wire = nothing};
    struct resource_name parent;

    if (resource_name_parse_location(request->parent, &parent, err) && request_fault_note(violations, "parent", err)) {
        return -1;
    }
    command->parent = request->parent;
    command->request_id = call_metadata(call, REQUEST_ID_HEADER);
    if (command->request_id.size > LIMIT_REQUEST_ID_CHARS) {
        violations_add(violations, REQUEST_ID_HEADER, "The header has %zu characters, the limit is %d.",
                       command->request_id.size, LIMIT_REQUEST_ID_CHARS);
    }
    if (!request->has_custom_job) {
        violations_add(violations, "custom_job", "Required field is not set.");
        return 0;
    }
    if (job_spec_prepare(&call_services(call)->rules, call_api_version(call), request->custom_job_wire,
                         call_arena(call), violations, &prepared, err)) {
        return -1;
    }
    command->custom_job_wire = prepared.wire;
    command->custom_job = prepared.custom_job;
    command->replica_count = prepared.replica_count;
    return 0;
}

void handle_create_custom_job(struct call *call)
{
    struct command command = {.kind = COMMAND_CREATE_JOB, .done = create_done};
    struct create_request request;
    struct violations violations;
    struct err err = ERR_INIT;

    violations_init(&violations, call_arena(call));
    if (request_read_create(call_request(call), call_arena(call), &request, &err) ||
        check_create(call, &request, &violations, &command, &err)) {
        request_fault_reply_error(call, &err);
    } else if (violations.count > 0) {
        call_reply_violations(call, &violations);
    } else {
        call_submit(call, &command);
    }
}

/* ---- List ---- */

struct listing {
    struct list_request request;
    struct store_query query;
    struct field_mask *mask; /* NULL: all of each job */
};

static int check_mask(struct call *call, const google_protobuf_FieldMask *read_mask, struct violations *violations,
                      struct field_mask **ret_mask, struct err *err)
{
    size_t count = 0;
    const upb_StringView *paths = read_mask ? google_protobuf_FieldMask_paths(read_mask, &count) : NULL;

    if (count == 0) {
        *ret_mask = NULL;
        return 0;
    }
    if (count > LIMIT_MASK_PATHS) {
        violations_add(violations, "read_mask", "The mask has %zu paths, the limit is %d.", count, LIMIT_MASK_PATHS);
        return 0;
    }
    if (field_mask_create(call_api_version(call), call_arena(call), ret_mask, err)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (field_mask_add(*ret_mask, api_span(paths[i]), err) &&
            request_fault_note(violations, violations_field(violations, "read_mask.paths[%zu]", i), err)) {
            return -1;
        }
    }
    return 0;
}

static int check_list(struct call *call, struct violations *violations, struct listing *listing, struct err *err)
{
    API(ListCustomJobsRequest) *message = API(ListCustomJobsRequest_new)(call_arena(call));
    struct resource_name parent;

    if (request_decode(call_request(call), message, &API(ListCustomJobsRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    listing->request = (struct list_request){.table = STORE_TABLE_JOB,
                                             .filter_of = LIST_FILTER_JOBS,
                                             .query = {.method = call_method(call),
                                                       .parent = api_span(API(ListCustomJobsRequest_parent)(message)),
                                                       .filter = api_span(API(ListCustomJobsRequest_filter)(message))},
                                             .page_token = api_span(API(ListCustomJobsRequest_page_token)(message)),
                                             .page_size = API(ListCustomJobsRequest_page_size)(message)};
    if (resource_name_parse_location(listing->request.query.parent, &parent, err) &&
        request_fault_note(violations, "parent", err)) {
        return -1;
    }
    if (list_request_check(call, &listing->request, violations, &listing->query, err)) {
        return -1;
    }
    return check_mask(call, API(ListCustomJobsRequest_read_mask)(message), violations, &listing->mask, err);
}

/* The page's jobs cut down to the mask, as a ListCustomJobsResponse. */
static int encode_masked(struct call *call, const struct field_mask *mask, const struct store_page *page,
                         struct span next_page_token, struct span *ret_message, struct err *err)
{
    struct span *jobs = call_allocate(call, (page->count + 1) * sizeof *jobs);
    size_t size = wire_bytes_size(LIST_FIELD_NEXT_PAGE_TOKEN, next_page_token.size);
    char *bytes;
    char *at;

    for (uint32_t i = 0; jobs && i < page->count; i++) {
        if (field_mask_apply(mask, store_version_value(page->versions[i]), call_arena(call), &jobs[i], err)) {
            return -1;
        }
        size += 1 + wire_varint_size(jobs[i].size) + jobs[i].size;
    }
    bytes = jobs ? upb_Arena_Malloc(call_arena(call), size + 1) : NULL;
    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a page of %zu bytes", size);
    }
    at = bytes;
    for (uint32_t i = 0; i < page->count; i++) {
        at = wire_put_head(at, LIST_FIELD_JOBS, jobs[i].size);
        memcpy(at, jobs[i].data, jobs[i].size);
        at += jobs[i].size;
    }
    at = wire_put_bytes(at, LIST_FIELD_NEXT_PAGE_TOKEN, next_page_token);
    *ret_message = span_make(bytes, (size_t)(at - bytes));
    return 0;
}

static void reply_page(struct call *call, const struct listing *listing, struct store_page *page)
{
    struct err err = ERR_INIT;
    struct span token;
    struct span message;

    if (list_request_next_token(call, &listing->request, page, &token, &err)) {
        store_page_release(page);
        request_fault_reply_error(call, &err);
        return;
    }
    if (!listing->mask || field_mask_is_all(listing->mask)) {
        call_reply_page(call, LIST_FIELD_JOBS, page, token);
        return;
    }
    if (encode_masked(call, listing->mask, page, token, &message, &err)) {
        request_fault_reply_error(call, &err);
    } else {
        call_reply(call, message);
    }
    store_page_release(page);
}

void handle_list_custom_jobs(struct call *call)
{
    struct listing listing = {.mask = NULL};
    struct store_page page = {.count = 0};
    struct violations violations;
    struct err err = ERR_INIT;

    violations_init(&violations, call_arena(call));
    if (check_list(call, &violations, &listing, &err)) {
        request_fault_reply_error(call, &err);
    } else if (violations.count > 0) {
        call_reply_violations(call, &violations);
    } else if (store_list(call_services(call)->store, &listing.query, &page, &err)) {
        request_fault_reply_error(call, &err);
    } else {
        reply_page(call, &listing, &page);
    }
}
