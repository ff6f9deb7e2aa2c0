#include "cli/logs_tail.h"

#include "cli/calls.h"
#include "cli/log_cursor.h"

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
    struct logs_request request = *tailer->request;

    if (log_cursor_since(&tailer->cursor, &request.since_unix_ns)) {
        request.has_since = true;
        request.tail_lines = 0;
    }
    log_cursor_restart(&tailer->cursor);
    return log_call_open(tailer->session, &request, arena, ret_stream, err);
}

struct printing {
    struct tailer *tailer;
    struct text text;
};

static int add_line(void *context, const struct log_line *line, struct err *err)
{
    struct printing *printing = context;
    bool is_new = false;

    if (log_cursor_pass(&printing->tailer->cursor, line->replica, line->stream, line->unix_ns, &is_new, err)) {
        return -1;
    }
    if (is_new) {
        log_printer_add(&printing->tailer->printer, &printing->text, line);
    }
    return 0;
}

static int print_entries(struct tailer *tailer, struct span message, upb_Arena *arena, struct err *err)
{
    struct printing printing = {.tailer = tailer};

    if (log_call_visit(message, arena, add_line, &printing, err)) {
        text_deinit(&printing.text);
        return -1;
    }
    if (session_print(tailer->session, &printing.text, err)) {
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
