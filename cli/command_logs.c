#include "cli/command.h"
#include "cli/duration.h"
#include "cli/logs_tail.h"

/* A time, or a duration before now. */
static int parse_since(const char *text, int64_t *ret_unix_ns, struct err *err)
{
    struct err ignored = ERR_INIT;
    int64_t ago, now = clock_wall_unix_ns(clock_system());

    if (duration_parse(span_of(text), &ago, &ignored) == 0) {
        *ret_unix_ns = ago < now ? now - ago : 0;
        return 0;
    }
    return time_parse(span_of(text), ret_unix_ns, err)
               ? err_set(err, ERR_INVALID,
                         "--since wants a time, 2024-05-06T07:08:09Z, or a duration ago, 10m; not \"%s\"", text)
               : 0;
}

int command_logs(struct session *session, int *exit_code, struct err *err)
{
    const struct args *args = session->args;
    const char *since = args_text(args, OPTION_SINCE, NULL);
    struct logs_request request = {.follow = args_has(args, OPTION_FOLLOW),
                                   .replica = span_of(args_text(args, OPTION_REPLICA, "")),
                                   .tail_lines = args_number(args, OPTION_TAIL, 0),
                                   .has_since = since != NULL};

    (void)exit_code;
    if ((since && parse_since(since, &request.since_unix_ns, err)) ||
        command_job_name(session, args->operands[0], &request.name, err)) {
        return -1;
    }
    return logs_tail(session, &request, NULL, err);
}
