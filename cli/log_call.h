/* log_call: customjobd.v1.Logs/Tail as the commands use it.
 *
 * Used by   logs_tail.c, job_events.c.
 * Owns      nothing: lines lie in the arena of their message.
 * Thread    main.
 * Errors    as channel.h; ERR_INTERNAL when a message is none.
 */
#ifndef CLI_LOG_CALL_H_
#define CLI_LOG_CALL_H_

#include "cli/log_print.h"
#include "cli/session.h"

C_DECLS_BEGIN

struct logs_request {
    struct span name;
    bool follow;
    struct span replica; /* empty: all */
    int64_t tail_lines;  /* 0: no limit */
    bool has_since;
    int64_t since_unix_ns;
};

typedef int (*log_line_fn)(void *context, const struct log_line *line, struct err *err);

/* The request may lie in the arena as long as the stream is open. */
MUST_USE int log_call_open(struct session *session, const struct logs_request *request, upb_Arena *arena,
                           struct channel_stream **ret_stream, struct err *err);
/* The lines of one message, in order, until one of them fails. */
MUST_USE int log_call_visit(struct span message, upb_Arena *arena, log_line_fn visit, void *context, struct err *err);

C_DECLS_END

#endif /* CLI_LOG_CALL_H_ */
