#include "cli/logs_tail.h"

#include "cli/calls.h"
#include "cli/log_cursor.h"
#include "cli/log_print.h"
#include "customjobd/v1/logs.upb.h"

#define LOOK_NS CLOCK_NS_PER_S

struct tailer {
    struct session *session;
    const struct logs_request *request;
    struct job_watch *watch;
    struct log_cursor cursor;
    struct log_printer printer;
    struct patience patience;
    int64_t look_mono_ns; /* when the job is looked at next */
    bool ended;
};

static int open_stream(struct tailer *tailer, upb_Arena *arena, struct channel_stream **ret_stream, struct err *err)
{
    const struct logs_request *wanted = tailer->request;
    customjobd_v1_TailRequest *request = customjobd_v1_TailRequest_new(arena);
    int64_t since = wanted->since_unix_ns;
    bool again = log_cursor_since(&tailer->cursor, &since);
    size_t size;
    char *wire;

    if (!request) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    customjobd_v1_TailRequest_set_name(request, api_view(wanted->name));
    customjobd_v1_TailRequest_set_follow(request, wanted->follow);
    customjobd_v1_TailRequest_set_replica(request, api_view(wanted->replica));
    customjobd_v1_TailRequest_set_tail_lines(request, again ? 0 : wanted->tail_lines);
    if (again || wanted->has_since) {
        google_protobuf_Timestamp *time = customjobd_v1_TailRequest_mutable_since(request, arena);

        if (!time) {
            return err_set(err, ERR_EXHAUSTED, "out of memory");
        }
        google_protobuf_Timestamp_set_seconds(time, since / CLOCK_NS_PER_S);
        google_protobuf_Timestamp_set_nanos(time, (int32_t)(since % CLOCK_NS_PER_S));
    }
    wire = customjobd_v1_TailRequest_serialize(request, arena, &size);
    if (!wire) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    log_cursor_restart(&tailer->cursor);
    return channel_stream_open(tailer->session->channel, "/customjobd.v1.Logs/Tail", span_make(wire, size), ret_stream,
                               err);
}

static int print_entries(struct tailer *tailer, struct span message, upb_Arena *arena, struct err *err)
{
    const customjobd_v1_TailResponse *response = customjobd_v1_TailResponse_parse(message.data, message.size, arena);
    const customjobd_v1_LogEntry *const *entries;
    struct text text = {.data = NULL};
    size_t count = 0;

    if (!response) {
        return err_set(err, ERR_INTERNAL, "the server sent a log that is none");
    }
    entries = customjobd_v1_TailResponse_entries(response, &count);
    for (size_t i = 0; i < count; i++) {
        struct log_line line = {.replica = api_span(customjobd_v1_LogEntry_replica(entries[i])),
                                .stream = customjobd_v1_LogEntry_stream(entries[i]),
                                .unix_ns = api_time(customjobd_v1_LogEntry_time(entries[i])),
                                .line = api_span(customjobd_v1_LogEntry_line(entries[i])),
                                .partial = customjobd_v1_LogEntry_partial(entries[i]),
                                .dropped_bytes = customjobd_v1_LogEntry_dropped_bytes(entries[i])};
        bool is_new;

        if (log_cursor_pass(&tailer->cursor, line.replica, line.stream, line.unix_ns, &is_new, err)) {
            text_deinit(&text);
            return -1;
        }
        if (is_new) {
            log_printer_add(&tailer->printer, &text, &line);
        }
    }
    if (session_print(tailer->session, &text, err)) {
        return -1;
    }
    fflush(tailer->session->out);
    return 0;
}

/* The job's state is a comfort: that it cannot be had now and then is no reason to end. */
static void look(struct tailer *tailer)
{
    int64_t now = clock_mono_ns(clock_system());
    struct err ignored = ERR_INIT;

    if (tailer->watch && now >= tailer->look_mono_ns) {
        if (job_watch_look(tailer->watch, &ignored)) {
            channel_forget_status(tailer->session->channel);
        }
        tailer->look_mono_ns = now + LOOK_NS;
    }
}

/* Sets ended at the stream's end. */
static int read_next(struct tailer *tailer, struct channel_stream *stream, struct err *err)
{
    int64_t left = session_left_ns(tailer->session);
    upb_Arena *arena = upb_Arena_New();
    enum channel_event event = CHANNEL_IDLE;
    struct span message;
    int failed;

    if (!arena) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    look(tailer);
    failed = channel_stream_next(stream, left < LOOK_NS ? left : LOOK_NS, arena, &event, &message, err);
    if (!failed && event == CHANNEL_MESSAGE) {
        patience_answered(&tailer->patience);
        failed = print_entries(tailer, message, arena, err);
    } else if (!failed && event == CHANNEL_IDLE && left == 0) {
        failed = err_set(err, ERR_DEADLINE, "the time of --timeout is over");
    }
    tailer->ended = !failed && event == CHANNEL_END;
    upb_Arena_Free(arena);
    return failed;
}

static int read_stream(struct tailer *tailer, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    struct channel_stream *stream = NULL;
    int failed = arena ? open_stream(tailer, arena, &stream, err) : err_set(err, ERR_EXHAUSTED, "out of memory");

    while (!failed && !tailer->ended) {
        failed = read_next(tailer, stream, err);
    }
    channel_stream_close(stream);
    if (arena) {
        upb_Arena_Free(arena);
    }
    return failed;
}

static int check_job(struct tailer *tailer, struct err *err)
{
    const API(CustomJob) * job;

    if (calls_get_job(tailer->session, tailer->request->name, tailer->session->arena, &job, err)) {
        return -1;
    }
    patience_answered(&tailer->patience);
    return 0;
}

int logs_tail(struct session *session, const struct logs_request *request, struct job_watch *watch, struct err *err)
{
    struct tailer tailer = {.session = session, .request = request, .watch = watch};
    struct text rest = {.data = NULL};
    int failed;

    tailer.printer = (struct log_printer){.format = session->format,
                                          .timestamps = args_has(session->args, OPTION_TIMESTAMPS),
                                          .prefix = !args_has(session->args, OPTION_NO_PREFIX),
                                          .colour = session->colour};
    /* A job that is queued has nothing to send yet; that the server knows it is what patience begins with. */
    failed = request->follow ? check_job(&tailer, err) : 0;
    if (!failed) {
        do {
            failed = read_stream(&tailer, err);
        } while (failed && request->follow && patience_forgives(&tailer.patience, session, err));
    }
    log_printer_finish(&tailer.printer, &rest);
    log_cursor_deinit(&tailer.cursor);
    if (failed) {
        text_deinit(&rest);
        return -1;
    }
    return session_print(session, &rest, err);
}
