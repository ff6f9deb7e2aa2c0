#include "cli/calls.h"
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/output.h"
#include "customjobd/v1/simulation.upbdefs.h"

static int print_clock(struct session *session, const customjobd_v1_Clock *clock, struct err *err)
{
    struct text text = {.data = NULL};

    if (session->format != FORMAT_TABLE) {
        return output_message(session, clock, customjobd_v1_Clock_getmsgdef(session->defs), err);
    }
    time_add(&text, api_time(customjobd_v1_Clock_time(clock)), 1);
    if (!session->quiet) {
        text_add_text(&text, customjobd_v1_Clock_is_virtual(clock) ? " (virtual)" : " (the system's)");
    }
    text_add_char(&text, '\n');
    return session_print(session, &text, err);
}

int command_simulation_clock(struct session *session, int *exit_code, struct err *err)
{
    const customjobd_v1_Clock *clock;

    (void)exit_code;
    return calls_get_clock(session, session->arena, &clock, err) ? -1 : print_clock(session, clock, err);
}

int command_simulation_advance(struct session *session, int *exit_code, struct err *err)
{
    const customjobd_v1_Clock *clock;
    int64_t by_ns;

    (void)exit_code;
    if (duration_parse(span_of(session->args->operands[0]), &by_ns, err) ||
        calls_advance_clock(session, by_ns, session->arena, &clock, err)) {
        return -1;
    }
    return print_clock(session, clock, err);
}
