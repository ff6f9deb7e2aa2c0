/* google.logging.v2.LoggingServiceV2: what jobs print, as gcloud and the logging clients read it. */
#include <string.h>

#include "base/limits.h"
#include "google/logging/v2/logging.upb.h"
#include "job/job_name.h"
#include "server/excerpt.h"
#include "server/handlers.h"
#include "server/log_query.h"
#include "server/resource_name.h"
#include "server/services.h"
#include "upb/decode.h"

#define REQUEST(name) google_logging_v2_ListLogEntriesRequest_##name
#define PAGE_SIZE_DEFAULT 50

struct reading {
    struct call *call;
    const google_logging_v2_ListLogEntriesRequest *request;
    struct log_query *query;
    struct violations *violations;
};

static void read_projects(const struct reading *reading)
{
    size_t count;
    const upb_StringView *names = REQUEST(resource_names)(reading->request, &count);
    struct err err = ERR_INIT;
    struct resource_name name;

    if (count == 0) {
        violations_add(reading->violations, "resource_names", "It names no project; one is projects/PROJECT.");
    }
    for (size_t i = 0; i < count; i++) {
        if (resource_name_parse_project(api_span(names[i]), &name, &err)) {
            violations_add(reading->violations, "resource_names", "%s", err.text);
        }
    }
}

static void read_order(const struct reading *reading)
{
    struct span order = api_span(REQUEST(order_by)(reading->request));

    reading->query->newest_first = span_equal_text(order, "timestamp desc");
    if (order.size > 0 && !reading->query->newest_first && !span_equal_text(order, "timestamp asc") &&
        !span_equal_text(order, "timestamp")) {
        violations_add(reading->violations, "order_by", "\"%.*s\" is neither timestamp asc nor timestamp desc.",
                       SPAN_FORMAT(excerpt(order)));
    }
}

static void read_page_size(const struct reading *reading)
{
    int32_t size = REQUEST(page_size)(reading->request);

    if (size < 0) {
        violations_add(reading->violations, "page_size", "%d entries are less than none.", size);
    }
    size = size > 0 ? size : PAGE_SIZE_DEFAULT;
    reading->query->page_size = (uint32_t)(size < LIMIT_PAGE_SIZE_MAX ? size : LIMIT_PAGE_SIZE_MAX);
}

/* A job's id is what its log is found by: without one every log would have to be read. */
static int read_filter(const struct reading *reading, struct err *err)
{
    struct log_query *query = reading->query;
    struct span text = api_span(REQUEST(filter)(reading->request));
    struct err wrong = ERR_INIT;

    if (log_filter_compile(text, call_arena(reading->call), &query->filter, &wrong)) {
        if (wrong.code != ERR_INVALID) {
            *err = wrong;
            return -1;
        }
        violations_add(reading->violations, "filter", "%s", wrong.text);
        return 0;
    }
    query->origin.job_id = query->filter->job_id;
    if (query->origin.job_id.size == 0) {
        violations_add(reading->violations, "filter",
                       "It has to name one job: resource.labels.job_id=\"1234567890123456789\", joined by AND.");
    }
    return 0;
}

static int read_token(const struct reading *reading, struct err *err)
{
    struct span token = api_span(REQUEST(page_token)(reading->request));
    struct log_query *query = reading->query;
    struct err wrong = ERR_INIT;

    query->page_token_key = call_services(reading->call)->page_token_key;
    query->token_query = (struct page_query){.method = call_method(reading->call),
                                             .parent = api_span(REQUEST(order_by)(reading->request)),
                                             .filter = api_span(REQUEST(filter)(reading->request))};
    if (token.size > 0 && log_query_read_token(query, token, call_arena(reading->call), &wrong)) {
        if (wrong.code != ERR_INVALID) {
            *err = wrong;
            return -1;
        }
        violations_add(reading->violations, "page_token", "%s", wrong.text);
    }
    return 0;
}

static int read_request(const struct reading *reading, struct err *err)
{
    read_projects(reading);
    read_order(reading);
    read_page_size(reading);
    return read_filter(reading, err) || read_token(reading, err) ? -1 : 0;
}

static bool has_project(const struct reading *reading, struct span project)
{
    size_t count;
    const upb_StringView *names = REQUEST(resource_names)(reading->request, &count);
    struct err ignored = ERR_INIT;
    struct resource_name name;

    for (size_t i = 0; i < count; i++) {
        if (resource_name_parse_project(api_span(names[i]), &name, &ignored) == 0 &&
            span_equal(name.project, project)) {
            return true;
        }
    }
    return false;
}

/* The job's project, copied; empty: there is no such job in the projects that were named. */
static int find_job(const struct reading *reading, struct err *err)
{
    struct log_query *query = reading->query;
    struct store_version *version;
    struct resource_name name;
    struct store_keys keys;
    char *project;
    int result = 0;

    query->job_id = job_name_last_id(query->origin.job_id);
    version = query->job_id ? store_get(call_services(reading->call)->store, STORE_TABLE_JOB, query->job_id) : NULL;
    if (!version) {
        return 0;
    }
    store_version_keys(version, &keys);
    if (resource_name_parse_job(keys.name, &name, err)) {
        result = -1;
    } else if (has_project(reading, name.project)) {
        project = upb_Arena_Malloc(call_arena(reading->call), name.project.size + 1);
        if (project) {
            memcpy(project, name.project.data, name.project.size);
            query->origin.project = span_make(project, name.project.size);
        } else {
            result = err_set(err, ERR_EXHAUSTED, "no memory for a request");
        }
    }
    store_version_unref(version);
    return result;
}

void handle_list_log_entries(struct call *call)
{
    struct span bytes = call_request(call);
    struct violations violations;
    struct err err = ERR_INIT;
    struct reading reading = {.call = call,
                              .request = REQUEST(parse_ex)(bytes.data, bytes.size, NULL,
                                                           UPB_DECODE_MAXDEPTH(LIMIT_REQUEST_DEPTH), call_arena(call)),
                              .query = call_allocate(call, sizeof *reading.query),
                              .violations = &violations};

    violations_init(&violations, call_arena(call));
    if (!reading.request || !reading.query) {
        err_set(&err, reading.request ? ERR_EXHAUSTED : ERR_INVALID, "the message is no ListLogEntriesRequest");
    } else if (!read_request(&reading, &err) && violations.count == 0 && !find_job(&reading, &err)) {
        if (reading.query->origin.project.size == 0) {
            call_reply(call, span_make(NULL, 0)); /* a job that is not there has no entries */
            return;
        }
        reading.query->call = call;
        if (!log_querier_add(call_services(call)->log_querier, reading.query, &err)) {
            return;
        }
    }
    if (err.code != ERR_NONE) {
        call_reply_error(call, &err, span_make(NULL, 0));
    } else {
        call_reply_violations(call, &violations);
    }
}
