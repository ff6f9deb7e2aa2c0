#include "cli/job_events.h"

#include "cli/duration.h"
#include "cli/log_call.h"
#include "cli/utf8.h"

#define EVENTS_MAX 20

struct reading {
    struct text text;
    bool goes_on; /* the last line has no end */
};

static int add_event(void *context, const struct log_line *line, struct err *err)
{
    struct reading *reading = context;

    (void)err;
    if (!reading->goes_on) {
        text_add_text(&reading->text, "  ");
        time_add(&reading->text, line->unix_ns, 0);
        text_add_text(&reading->text, "  ");
    }
    utf8_add_printable(&reading->text, line->line);
    text_add_text(&reading->text, line->partial ? "" : "\n");
    reading->goes_on = line->partial;
    return 0;
}

static int read_stream(struct session *session, struct channel_stream *stream, struct reading *reading, struct err *err)
{
    int64_t left = session_left_ns(session), end;
    enum channel_event event = CHANNEL_MESSAGE;

    end = clock_mono_ns(clock_system()) + (left < session->call_ns ? left : session->call_ns);
    while (event == CHANNEL_MESSAGE) {
        int64_t now = clock_mono_ns(clock_system());
        struct span message;

        if (channel_stream_next(stream, now < end ? end - now : 0, session->arena, &event, &message, err) ||
            (event == CHANNEL_MESSAGE && log_call_visit(message, session->arena, add_event, reading, err))) {
            return -1;
        }
    }
    return event == CHANNEL_END ? 0 : err_set(err, ERR_DEADLINE, "the server did not send all of them in time");
}

int job_events_add(struct session *session, struct span name, struct text *text, struct err *err)
{
    struct logs_request request = {.name = name, .replica = span_of("service"), .tail_lines = EVENTS_MAX};
    struct reading reading = {.goes_on = false};
    struct channel_stream *stream = NULL;
    int failed =
        log_call_open(session, &request, session->arena, &stream, err) || read_stream(session, stream, &reading, err);

    channel_stream_close(stream);
    if (!failed && reading.text.size > 0) {
        text_add_text(text, "Events:\n");
        text_add(text, text_span(&reading.text));
        text_add_text(text, reading.goes_on ? "\n" : "");
    }
    text_deinit(&reading.text);
    return failed ? -1 : 0;
}
