#include "cli/calls.h"
#include "cli/command.h"
#include "cli/job_input.h"
#include "cli/job_view.h"
#include "cli/job_watch.h"
#include "cli/logs_tail.h"
#include "cli/output.h"
#include "google/cloud/aiplatform/v1/custom_job.upbdefs.h"

static int print_job(struct session *session, const API(CustomJob) * job, struct err *err)
{
    struct text text = {.data = NULL};

    if (session->format != FORMAT_TABLE && !session->quiet) {
        return output_message(session, job, API(CustomJob_getmsgdef)(session->defs), err);
    }
    text_add(&text, api_span(API(CustomJob_name)(job)));
    text_add_char(&text, '\n');
    return session_print(session, &text, err);
}

/* Follows or waits, then prints the job as it is at its end, where programs read. */
static int see_through(struct session *session, struct span name, int *exit_code, struct err *err)
{
    struct logs_request request = {.name = name, .follow = true};
    const API(CustomJob) * job;
    struct job_watch watch;
    bool follow = args_has(session->args, OPTION_FOLLOW);

    job_watch_init(&watch, session, name);
    if (follow && logs_tail(session, &request, &watch, err)) {
        return -1;
    }
    if (job_watch_wait(&watch, exit_code, err)) {
        return -1;
    }
    if (follow || session->format == FORMAT_TABLE || session->quiet) {
        return 0;
    }
    return calls_get_job(session, name, session->arena, &job, err) || print_job(session, job, err) ? -1 : 0;
}

static int dry_run(struct session *session, const API(CustomJob) * job, struct span parent, struct err *err)
{
    if (session->format == FORMAT_TABLE) {
        session->format = FORMAT_YAML;
    }
    session_note(session, "customjob: nothing is sent; this job would go to %.*s at %s:", SPAN_FORMAT(parent),
                 session->endpoint);
    return output_message(session, job, API(CustomJob_getmsgdef)(session->defs), err);
}

int command_create(struct session *session, int *exit_code, struct err *err)
{
    API(CustomJob) * job;
    const API(CustomJob) * created;
    struct span parent, name, id;
    bool waits = args_has(session->args, OPTION_WAIT) || args_has(session->args, OPTION_FOLLOW);

    if (job_input_read(session->args, session->defs, session->arena, &job, err) ||
        session_parent(session, &parent, err)) {
        return -1;
    }
    if (args_has(session->args, OPTION_DRY_RUN)) {
        return dry_run(session, job, parent, err);
    }
    if (calls_create_job(session, parent, job, session->arena, &created, err)) {
        return -1;
    }
    name = api_span(API(CustomJob_name)(created));
    id = job_view_id(name);
    if (!waits) {
        if (print_job(session, created, err)) {
            return -1;
        }
        session_note(session, "customjob: created; `customjob logs -f %.*s` shows what it prints", SPAN_FORMAT(id));
        return 0;
    }
    session_note(session, "customjob: created %.*s", SPAN_FORMAT(name));
    if (!args_has(session->args, OPTION_FOLLOW) && session->format == FORMAT_TABLE &&
        print_job(session, created, err)) {
        return -1;
    }
    fflush(session->out);
    return see_through(session, name, exit_code, err);
}
