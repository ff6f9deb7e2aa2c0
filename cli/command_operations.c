#include "cli/calls.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/job_view.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/utf8.h"
#include "google/longrunning/operations.upbdefs.h"
#include "google/protobuf/any.upb.h"

static const char *const titles[] = {"ID", "DONE", "RESULT", "METADATA", NULL};

int command_wait_operation(struct session *session, struct span name, upb_Arena *arena,
                           const google_longrunning_Operation **ret_operation, struct err *err)
{
    /* One answer may not be waited for as long as the whole may take. */
    if (session->call_ns > SESSION_CALL_NS) {
        session->call_ns = SESSION_CALL_NS;
    }
    for (;;) {
        if (calls_wait_operation(session, name, arena, ret_operation, err)) {
            return -1;
        }
        if (google_longrunning_Operation_done(*ret_operation)) {
            return 0;
        }
    }
}

/* "DeleteOperationMetadata" */
static struct span metadata_type(const google_longrunning_Operation *operation)
{
    const google_protobuf_Any *any = google_longrunning_Operation_metadata(operation);
    struct span url = any ? api_span(google_protobuf_Any_type_url(any)) : span_make(NULL, 0);
    const char *dot = url.size > 0 ? memrchr(url.data, '.', url.size) : NULL;

    return dot ? span_skip(url, (size_t)(dot - url.data) + 1) : url;
}

static const char *result_of(const google_longrunning_Operation *operation)
{
    if (!google_longrunning_Operation_done(operation)) {
        return "";
    }
    return google_longrunning_Operation_has_error(operation)
               ? rpc_status_name(google_rpc_Status_code(google_longrunning_Operation_error(operation)))
               : "OK";
}

static void add_view(struct text *text, const google_longrunning_Operation *operation)
{
    text_add_text(text, "Name:      ");
    utf8_add_printable(text, api_span(google_longrunning_Operation_name(operation)));
    text_add_format(text, "\nDone:      %s\n", google_longrunning_Operation_done(operation) ? "yes" : "no");
    if (google_longrunning_Operation_done(operation)) {
        text_add_format(text, "Result:    %s\n", result_of(operation));
    }
    if (google_longrunning_Operation_has_error(operation)) {
        text_add_text(text, "Error:     ");
        utf8_add_printable(text, api_span(google_rpc_Status_message(google_longrunning_Operation_error(operation))));
        text_add_char(text, '\n');
    }
    if (google_longrunning_Operation_has_metadata(operation)) {
        text_add_text(text, "Metadata:  ");
        utf8_add_printable(text, metadata_type(operation));
        text_add_char(text, '\n');
    }
}

static int print_operation(struct session *session, const google_longrunning_Operation *operation, struct err *err)
{
    struct text text = {.data = NULL};

    if (session->format != FORMAT_TABLE) {
        return output_message(session, operation, google_longrunning_Operation_getmsgdef(session->defs), err);
    }
    add_view(&text, operation);
    return session_print(session, &text, err);
}

static int operation_name(struct session *session, struct span *ret_name, struct err *err)
{
    return session_name(session, "operations", session->args->operands[0], ret_name, err);
}

int command_operations_get(struct session *session, int *exit_code, struct err *err)
{
    const google_longrunning_Operation *operation;
    struct span name;

    (void)exit_code;
    if (operation_name(session, &name, err) || calls_get_operation(session, name, session->arena, &operation, err)) {
        return -1;
    }
    return print_operation(session, operation, err);
}

int command_operations_wait(struct session *session, int *exit_code, struct err *err)
{
    const google_longrunning_Operation *operation;
    struct span name;

    if (operation_name(session, &name, err) || command_wait_operation(session, name, session->arena, &operation, err)) {
        return -1;
    }
    if (google_longrunning_Operation_has_error(operation)) {
        *exit_code = EXIT_CODE_JOB_FAILED;
    }
    return session->quiet ? 0 : print_operation(session, operation, err);
}

int command_operations_cancel(struct session *session, int *exit_code, struct err *err)
{
    struct span name;

    (void)exit_code;
    if (operation_name(session, &name, err) || calls_cancel_operation(session, name, session->arena, err)) {
        return -1;
    }
    session_note(session, "customjob: asked that %.*s be stopped", SPAN_FORMAT(name));
    return 0;
}

int command_operations_delete(struct session *session, int *exit_code, struct err *err)
{
    struct span name;

    (void)exit_code;
    if (operation_name(session, &name, err) || calls_delete_operation(session, name, session->arena, err)) {
        return -1;
    }
    session_note(session, "customjob: forgot %.*s", SPAN_FORMAT(name));
    return 0;
}

static void add_row(struct table *table, const upb_Message *item)
{
    const google_longrunning_Operation *operation = item;

    table_add(table, job_view_id(api_span(google_longrunning_Operation_name(operation))));
    table_add(table, span_of(google_longrunning_Operation_done(operation) ? "yes" : "no"));
    table_add(table, span_of(result_of(operation)));
    table_add(table, metadata_type(operation));
}

static int list_page(struct listing *listing, struct span *ret_token, struct err *err)
{
    const upb_MessageDef *type = google_longrunning_Operation_getmsgdef(listing->session->defs);
    const google_longrunning_ListOperationsResponse *response;
    const google_longrunning_Operation *const *operations;
    size_t count = 0;

    if (calls_list_operations(listing->session, &listing->page, listing->arena, &response, err)) {
        return -1;
    }
    operations = google_longrunning_ListOperationsResponse_operations(response, &count);
    for (size_t i = 0; i < count; i++) {
        struct span name = api_span(google_longrunning_Operation_name(operations[i]));

        if (listing_add(listing, operations[i], type, name, add_row, err)) {
            return -1;
        }
    }
    *ret_token = api_span(google_longrunning_ListOperationsResponse_next_page_token(response));
    return 0;
}

int command_operations_list(struct session *session, int *exit_code, struct err *err)
{
    (void)exit_code;
    return listing_run(session, titles, list_page, err);
}
