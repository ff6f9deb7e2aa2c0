#include "cli/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/doc_read.h"
#include "cli/utf8.h"

#define CA_BYTES_MAX (1024 * 1024)

static bool wants_colour(FILE *file)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return isatty(fileno(file)) && !(no_color && no_color[0]) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static enum session_format format_of(const struct args *args)
{
    const char *format = args_text(args, OPTION_FORMAT, "table");

    return strcmp(format, "json") == 0 ? FORMAT_JSON : strcmp(format, "yaml") == 0 ? FORMAT_YAML : FORMAT_TABLE;
}

/* Project and location stand in names, between slashes. */
static int check_segment(const char *option, const char *text, struct err *err)
{
    struct span span = span_of(text);

    if (span.size == 0 || strchr(text, '/') || utf8_valid_bytes(span) < span.size) {
        return err_set(err, ERR_INVALID, "--%s is a name without \"/\", not \"%s\"", option, text);
    }
    return 0;
}

static int connect_channel(struct session *session, struct err *err)
{
    const char *ca_file = args_text(session->args, OPTION_TLS_CA, NULL);
    struct span ca = span_make(NULL, 0);

    if (ca_file && doc_read_contents(ca_file, CA_BYTES_MAX, session->arena, &ca, err)) {
        return err_wrap(err, "--tls-ca");
    }
    return channel_open(session->endpoint, ca_file || args_has(session->args, OPTION_TLS), ca.data, &session->channel,
                        err);
}

int session_open(const struct args *args, FILE *out, FILE *notes, struct session *session, struct err *err)
{
    *session = (struct session){
        .args = args,
        .endpoint = args_text(args, OPTION_ENDPOINT, "127.0.0.1:8080"),
        .project = args_text(args, OPTION_PROJECT, "local"),
        .location = args_text(args, OPTION_LOCATION, "us-central1"),
        .format = format_of(args),
        .quiet = args_has(args, OPTION_QUIET),
        .colour = wants_colour(out),
        .out = out,
        .notes = notes,
        .end_mono_ns = INT64_MAX,
        .call_ns = args_number(args, OPTION_TIMEOUT, SESSION_CALL_NS),
    };
    if (args_has(args, OPTION_TIMEOUT) &&
        __builtin_add_overflow(clock_mono_ns(clock_system()), session->call_ns, &session->end_mono_ns)) {
        session->end_mono_ns = INT64_MAX;
    }
    session->arena = upb_Arena_New();
    session->defs = upb_DefPool_New();
    if (!session->arena || !session->defs) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    if (check_segment("project", session->project, err) || check_segment("location", session->location, err)) {
        return -1;
    }
    return commands[args->command].asks_server ? connect_channel(session, err) : 0;
}

void session_close(struct session *session)
{
    channel_close(session->channel);
    if (session->defs) {
        upb_DefPool_Free(session->defs);
    }
    if (session->arena) {
        upb_Arena_Free(session->arena);
    }
}

int64_t session_left_ns(const struct session *session)
{
    int64_t now = clock_mono_ns(clock_system());

    if (session->end_mono_ns == INT64_MAX) {
        return INT64_MAX;
    }
    return session->end_mono_ns > now ? session->end_mono_ns - now : 0;
}

int session_call(struct session *session, const char *method, struct span request, upb_Arena *arena,
                 struct span *ret_response, struct err *err)
{
    int64_t left = session_left_ns(session);

    if (left == 0) {
        channel_forget_status(session->channel);
        return err_set(err, ERR_DEADLINE, "the time of --timeout is over");
    }
    return channel_call(session->channel, method, request, left < session->call_ns ? left : session->call_ns, arena,
                        ret_response, err);
}

static int name_in_arena(struct session *session, const struct text *text, struct span *ret_name, struct err *err)
{
    struct span copy;

    if (text_check(text, err)) {
        return -1;
    }
    copy = doc_copy(session->arena, text_span(text));
    if (!copy.data) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    *ret_name = copy;
    return 0;
}

int session_parent(struct session *session, struct span *ret_parent, struct err *err)
{
    struct text text = {.data = NULL};
    int failed;

    text_add_format(&text, "projects/%s/locations/%s", session->project, session->location);
    failed = name_in_arena(session, &text, ret_parent, err);
    text_deinit(&text);
    return failed;
}

int session_name(struct session *session, const char *collection, const char *operand, struct span *ret_name,
                 struct err *err)
{
    struct span span = span_of(operand);
    struct text text = {.data = NULL};
    int failed;

    if (span.size == 0 || utf8_valid_bytes(span) < span.size) {
        return err_set(err, ERR_INVALID, "\"%s\" is no name", operand);
    }
    if (strncmp(operand, "projects/", 9) == 0) {
        *ret_name = span;
        return 0;
    }
    if (strchr(operand, '/')) {
        return err_set(err, ERR_INVALID, "\"%s\" is neither a number nor a full name projects/P/locations/L/%s/ID",
                       operand, collection);
    }
    text_add_format(&text, "projects/%s/locations/%s/%s/%s", session->project, session->location, collection, operand);
    failed = name_in_arena(session, &text, ret_name, err);
    text_deinit(&text);
    return failed;
}

void session_note(struct session *session, const char *format, ...)
{
    va_list arguments;

    if (session->quiet) {
        return;
    }
    va_start(arguments, format);
    vfprintf(session->notes, format, arguments);
    va_end(arguments);
    fputc('\n', session->notes);
    fflush(session->notes);
}

int session_print(struct session *session, struct text *text, struct err *err)
{
    int failed = text_check(text, err);

    if (!failed && text->size > 0 && fwrite(text->data, 1, text->size, session->out) != text->size) {
        failed = err_set_errno(err, errno, "the output cannot be written");
    }
    text_deinit(text);
    return failed;
}
