#include "cli/calls.h"
#include "cli/command.h"
#include "cli/job_events.h"
#include "cli/job_view.h"
#include "cli/job_watch.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "google/cloud/aiplatform/v1/custom_job.upbdefs.h"
#include "google/longrunning/operations.upbdefs.h"

static int newest_job(struct session *session, struct span *ret_name, struct err *err)
{
    struct page_request page = {.page_size = 1};
    const API(ListCustomJobsResponse) * response;
    const API(CustomJob) *const *jobs;
    size_t count = 0;

    if (session_parent(session, &page.parent, err) || calls_list_jobs(session, &page, session->arena, &response, err)) {
        return -1;
    }
    jobs = API(ListCustomJobsResponse_custom_jobs)(response, &count);
    if (count == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no job in %.*s yet", SPAN_FORMAT(page.parent));
    }
    *ret_name = api_span(API(CustomJob_name)(jobs[0]));
    return 0;
}

int command_job_name(struct session *session, const char *operand, struct span *ret_name, struct err *err)
{
    return strcmp(operand, "@last") == 0 ? newest_job(session, ret_name, err)
                                         : session_name(session, "customJobs", operand, ret_name, err);
}

/* What the service says of the job is an addition: the job is shown without it too. */
static void add_events(struct session *session, struct span name, struct text *text)
{
    struct err err = ERR_INIT;

    if (job_events_add(session, name, text, &err) == 0) {
        return;
    }
    channel_forget_status(session->channel);
    if (err.code != ERR_UNSUPPORTED) {
        session_note(session, "customjob: the events of the job cannot be had: %s", err.text);
    }
}

int command_get(struct session *session, int *exit_code, struct err *err)
{
    const API(CustomJob) * job;
    struct text text = {.data = NULL};
    struct span name;

    (void)exit_code;
    if (command_job_name(session, session->args->operands[0], &name, err) ||
        calls_get_job(session, name, session->arena, &job, err)) {
        return -1;
    }
    if (session->format != FORMAT_TABLE) {
        return output_message(session, job, API(CustomJob_getmsgdef)(session->defs), err);
    }
    if (session->quiet) {
        text_add(&text, api_span(API(CustomJob_name)(job)));
        text_add_char(&text, '\n');
    } else {
        job_view_add(&text, job, clock_wall_unix_ns(clock_system()), session->colour);
        add_events(session, name, &text);
    }
    return session_print(session, &text, err);
}

static void add_row(struct table *table, const upb_Message *item)
{
    job_view_add_row(table, item, clock_wall_unix_ns(clock_system()));
}

static int list_page(struct listing *listing, struct span *ret_token, struct err *err)
{
    const upb_MessageDef *type = API(CustomJob_getmsgdef)(listing->session->defs);
    const API(ListCustomJobsResponse) * response;
    const API(CustomJob) *const *jobs;
    size_t count = 0;

    if (calls_list_jobs(listing->session, &listing->page, listing->arena, &response, err)) {
        return -1;
    }
    jobs = API(ListCustomJobsResponse_custom_jobs)(response, &count);
    for (size_t i = 0; i < count; i++) {
        if (listing_add(listing, jobs[i], type, api_span(API(CustomJob_name)(jobs[i])), add_row, err)) {
            return -1;
        }
    }
    *ret_token = api_span(API(ListCustomJobsResponse_next_page_token)(response));
    return 0;
}

int command_list(struct session *session, int *exit_code, struct err *err)
{
    (void)exit_code;
    return listing_run(session, job_view_titles, list_page, err);
}

typedef int (*each_job_fn)(struct session *session, struct span name, struct err *err);

/* All of them, also after one has failed; the last failure is the command's. */
static int each_job(struct session *session, each_job_fn act, int *exit_code, struct err *err)
{
    size_t count = session->args->operand_count;

    for (size_t i = 0; i < count; i++) {
        struct span name;

        if (command_job_name(session, session->args->operands[i], &name, err) || act(session, name, err)) {
            if (count == 1) {
                return -1;
            }
            *exit_code = command_report(session, err);
        }
    }
    return 0;
}

static int cancel_one(struct session *session, struct span name, struct err *err)
{
    struct span operation;
    struct span id = job_view_id(name);

    if (calls_cancel_job(session, name, session->arena, &operation, err)) {
        return -1;
    }
    session_note(session, "customjob: asked that %.*s be stopped; `customjob wait %.*s` tells the end", SPAN_FORMAT(id),
                 SPAN_FORMAT(id));
    return 0;
}

int command_cancel(struct session *session, int *exit_code, struct err *err)
{
    return each_job(session, cancel_one, exit_code, err);
}

static int print_operation(struct session *session, const google_longrunning_Operation *operation, struct err *err)
{
    struct text text = {.data = NULL};

    if (session->format != FORMAT_TABLE && !session->quiet) {
        return output_message(session, operation, google_longrunning_Operation_getmsgdef(session->defs), err);
    }
    text_add(&text, api_span(google_longrunning_Operation_name(operation)));
    text_add_char(&text, '\n');
    return session_print(session, &text, err);
}

static int delete_one(struct session *session, struct span name, struct err *err)
{
    const google_longrunning_Operation *operation;
    struct span id = job_view_id(name);

    if (calls_delete_job(session, name, session->arena, &operation, err)) {
        return -1;
    }
    if (args_has(session->args, OPTION_ASYNC)) {
        return print_operation(session, operation, err);
    }
    if (command_wait_operation(session, api_span(google_longrunning_Operation_name(operation)), session->arena,
                               &operation, err)) {
        return -1;
    }
    if (google_longrunning_Operation_has_error(operation)) {
        struct span message = api_span(google_rpc_Status_message(google_longrunning_Operation_error(operation)));

        return err_set(err, ERR_INTERNAL, "%.*s was not deleted: %.*s", SPAN_FORMAT(id), SPAN_FORMAT(message));
    }
    session_note(session, "customjob: deleted %.*s", SPAN_FORMAT(id));
    return 0;
}

int command_delete(struct session *session, int *exit_code, struct err *err)
{
    return each_job(session, delete_one, exit_code, err);
}

int command_wait(struct session *session, int *exit_code, struct err *err)
{
    const API(CustomJob) * job;
    struct job_watch watch;
    struct span name;

    if (command_job_name(session, session->args->operands[0], &name, err)) {
        return -1;
    }
    job_watch_init(&watch, session, name);
    if (job_watch_wait(&watch, exit_code, err)) {
        return -1;
    }
    if (session->format == FORMAT_TABLE || session->quiet) {
        return 0;
    }
    return calls_get_job(session, name, session->arena, &job, err)
               ? -1
               : output_message(session, job, API(CustomJob_getmsgdef)(session->defs), err);
}
