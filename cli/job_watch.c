#include "cli/job_watch.h"

#include <time.h>

#include "cli/calls.h"
#include "cli/job_view.h"
#include "cli/state.h"
#include "cli/utf8.h"

#define PAUSE_LEAST_NS (100 * CLOCK_NS_PER_MS)
#define PAUSE_MOST_NS (2 * CLOCK_NS_PER_S)

/* At most until --timeout is over. */
static void pause_for(const struct session *session, int64_t ns)
{
    int64_t left = session_left_ns(session);
    struct timespec time;

    ns = ns < left ? ns : left;
    time.tv_sec = (time_t)(ns / CLOCK_NS_PER_S);
    time.tv_nsec = (long)(ns % CLOCK_NS_PER_S);
    (void)nanosleep(&time, NULL);
}

static int64_t slower(int64_t pause_ns)
{
    pause_ns += pause_ns / 2;
    return pause_ns < PAUSE_LEAST_NS ? PAUSE_LEAST_NS : pause_ns > PAUSE_MOST_NS ? PAUSE_MOST_NS : pause_ns;
}

void patience_answered(struct patience *patience)
{
    *patience = (struct patience){.answered = true};
}

bool patience_forgives(struct patience *patience, struct session *session, const struct err *err)
{
    int64_t now = clock_mono_ns(clock_system());

    if (!patience->answered || (err->code != ERR_UNAVAILABLE && err->code != ERR_DEADLINE) ||
        session_left_ns(session) == 0) {
        return false;
    }
    if (patience->away_mono_ns == 0) {
        patience->away_mono_ns = now;
        session_note(session, "customjob: %s does not answer any more; trying again for a minute", session->endpoint);
    }
    if (now - patience->away_mono_ns > PATIENCE_NS) {
        return false;
    }
    channel_forget_status(session->channel);
    patience->pause_ns = slower(patience->pause_ns);
    pause_for(session, patience->pause_ns);
    return true;
}

void job_watch_init(struct job_watch *watch, struct session *session, struct span name)
{
    *watch = (struct job_watch){.session = session, .name = name, .state = -1};
    /* One look may not hang for as long as the whole wait may take. */
    if (session->call_ns > SESSION_CALL_NS) {
        session->call_ns = SESSION_CALL_NS;
    }
}

static void tell_state(const struct job_watch *watch, const API(CustomJob) * job)
{
    struct span id = job_view_id(watch->name);
    struct text text = {.data = NULL};
    char buffer[24];

    session_note(watch->session, "customjob: %.*s is %s", SPAN_FORMAT(id), state_name(watch->state, buffer));
    if (state_is_final(watch->state) && API(CustomJob_error)(job)) {
        struct span rest = api_span(google_rpc_Status_message(API(CustomJob_error)(job)));

        while (rest.size > 0) {
            const char *end = memchr(rest.data, '\n', rest.size);
            struct span line = span_make(rest.data, end ? (size_t)(end - rest.data) : rest.size);

            text_add_text(&text, text.size > 0 ? "\n  " : "  ");
            utf8_add_printable(&text, line);
            rest = span_skip(rest, end ? line.size + 1 : line.size);
        }
        session_note(watch->session, "%s", text_c(&text));
        text_deinit(&text);
    }
}

int job_watch_look(struct job_watch *watch, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    const API(CustomJob) * job;
    int failed;

    if (!arena) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    failed = calls_get_job(watch->session, watch->name, arena, &job, err);
    if (!failed) {
        patience_answered(&watch->patience);
        if (watch->state != API(CustomJob_state)(job)) {
            watch->state = API(CustomJob_state)(job);
            tell_state(watch, job);
        }
    }
    upb_Arena_Free(arena);
    return failed;
}

int job_watch_wait(struct job_watch *watch, int *ret_exit, struct err *err)
{
    int64_t pause_ns = 0;

    for (;;) {
        if (job_watch_look(watch, err)) {
            if (!patience_forgives(&watch->patience, watch->session, err)) {
                return -1;
            }
            continue;
        }
        if (state_is_final(watch->state)) {
            *ret_exit = (int)state_exit_code(watch->state);
            return 0;
        }
        pause_ns = slower(pause_ns);
        pause_for(watch->session, pause_ns);
    }
}
