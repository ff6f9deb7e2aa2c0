#include "cli/failure.h"

#include "cli/api.h"
#include "cli/utf8.h"
#include "google/protobuf/any.upb.h"
#include "google/rpc/error_details.upb.h"
#include "upb/arena.h"

enum { RPC_DEADLINE_EXCEEDED = 4, RPC_UNAVAILABLE = 14 };

enum exit_code failure_exit_code(const struct err *err, const struct rpc_status *status)
{
    bool by_server = status && status->code != 0;

    if (err->code == ERR_UNAVAILABLE || err->code == ERR_DEADLINE) {
        return EXIT_CODE_UNREACHABLE;
    }
    return err->code == ERR_INVALID && !by_server ? EXIT_CODE_USAGE : EXIT_CODE_REFUSED;
}

/* Tabs and line ends of a server's sentence are kept as spaces and lines, all else that moves a cursor is not. */
static void add_sentence(struct text *text, struct span sentence)
{
    while (sentence.size > 0) {
        const char *stop = sentence.data;
        size_t size;

        while (stop < sentence.data + sentence.size && *stop != '\n' && *stop != '\t') {
            stop++;
        }
        size = (size_t)(stop - sentence.data);
        utf8_add_printable(text, span_make(sentence.data, size));
        if (size == sentence.size) {
            return;
        }
        text_add_text(text, *stop == '\n' ? "\n  " : " ");
        sentence = span_skip(sentence, size + 1);
    }
}

static bool is_type(const google_protobuf_Any *any, const char *type)
{
    struct span url = api_span(google_protobuf_Any_type_url(any));
    struct span name = span_of(type);

    return url.size > name.size && url.data[url.size - name.size - 1] == '/' &&
           span_equal(span_skip(url, url.size - name.size), name);
}

/* Returns how many violations there were. */
static size_t add_violations(struct text *text, struct span wire, upb_Arena *arena)
{
    const google_rpc_BadRequest *bad = google_rpc_BadRequest_parse(wire.data, wire.size, arena);
    size_t count = 0;
    const google_rpc_BadRequest_FieldViolation *const *violations =
        bad ? google_rpc_BadRequest_field_violations(bad, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        text_add_text(text, "\n  ");
        add_sentence(text, api_span(google_rpc_BadRequest_FieldViolation_field(violations[i])));
        text_add_text(text, ": ");
        add_sentence(text, api_span(google_rpc_BadRequest_FieldViolation_description(violations[i])));
    }
    return count;
}

static void add_help(struct text *text, struct span wire, upb_Arena *arena)
{
    const google_rpc_Help *help = google_rpc_Help_parse(wire.data, wire.size, arena);
    size_t count = 0;
    const google_rpc_Help_Link *const *links = help ? google_rpc_Help_links(help, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        text_add_text(text, "\nhint: ");
        add_sentence(text, api_span(google_rpc_Help_Link_description(links[i])));
    }
}

/* What stands in the details; violations are counted, the rest is left in help for after them. */
static size_t add_details(struct text *text, struct text *help, const struct rpc_status *status)
{
    upb_Arena *arena = upb_Arena_New();
    const google_rpc_Status *details =
        arena ? google_rpc_Status_parse(text_c(&status->details), status->details.size, arena) : NULL;
    size_t count = 0, violations = 0;
    const google_protobuf_Any *const *items = details ? google_rpc_Status_details(details, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        struct span wire = api_span(google_protobuf_Any_value(items[i]));

        if (is_type(items[i], "google.rpc.BadRequest")) {
            violations += add_violations(text, wire, arena);
        } else if (is_type(items[i], "google.rpc.Help")) {
            add_help(help, wire, arena);
        }
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
    return violations;
}

/* Nobody answered, or not in the way that was asked: what to do depends on which. */
static void add_unreachable(struct text *text, const struct rpc_status *status, const char *endpoint)
{
    text_add_format(text, "no answer from %s: ", endpoint);
    add_sentence(text, text_span(&status->message));
    if (strstr(text_c(&status->message), "certificate verify failed")) {
        text_add_text(
            text, "\nhint: no authority trusted here has signed the server's certificate; name its own by --tls-ca");
    } else if (strstr(text_c(&status->message), "handshake failed")) {
        text_add_text(text, "\nhint: does the server speak TLS? Without it, leave out --tls and --tls-ca");
    } else if (strstr(text_c(&status->message), "Socket closed")) {
        text_add_text(text, "\nhint: does the server speak TLS? Then name its authority by --tls-ca");
    } else {
        text_add_format(text,
                        "\nhint: is customjobd running at %s? Try `customjobd serve --data-dir DIR`, "
                        "or name another server by --endpoint",
                        endpoint);
    }
}

static void add_server_failure(struct text *text, const struct rpc_status *status, const char *endpoint)
{
    struct text violations = {.data = NULL}, help = {.data = NULL};

    if (add_details(&violations, &help, status) > 0) {
        text_add_format(text, "the server refused the request (%s)", rpc_status_name(status->code));
        text_add(text, text_span(&violations));
    } else if (status->code == RPC_UNAVAILABLE && status->details.size == 0) {
        add_unreachable(text, status, endpoint);
    } else if (status->code == RPC_DEADLINE_EXCEEDED && status->details.size == 0) {
        text_add_format(text, "%s did not answer in time", endpoint);
    } else {
        add_sentence(text, text_span(&status->message));
        text_add_format(text, " (%s)", rpc_status_name(status->code));
    }
    text_add(text, text_span(&help));
    text_deinit(&violations);
    text_deinit(&help);
}

void failure_add(struct text *text, const struct err *err, const struct rpc_status *status, const char *endpoint)
{
    text_add_text(text, "customjob: ");
    if (status && status->code != 0) {
        add_server_failure(text, status, endpoint);
    } else {
        add_sentence(text, span_of(err->text));
    }
    text_add_char(text, '\n');
}
