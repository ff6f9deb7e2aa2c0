/* session: what one run of the program has: its settings, the connection, where it prints.
 *
 * Used by   program.c makes it; every command works in it.
 * Owns      connection, arena and descriptors; the files are the caller's.
 * Thread    main.      Blocks    session_call, until the server answers or the time is over.
 */
#ifndef CLI_SESSION_H_
#define CLI_SESSION_H_

#include <stdio.h>

#include "cli/api.h"
#include "cli/args.h"
#include "cli/channel.h"
#include "upb/def.h"

C_DECLS_BEGIN

enum session_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_YAML };

struct session {
    const struct args *args;
    const char *endpoint;
    const char *project;
    const char *location;
    enum session_format format;
    bool quiet;
    bool colour;         /* on out */
    FILE *out;           /* what was asked for */
    FILE *notes;         /* progress and errors */
    int64_t end_mono_ns; /* --timeout; INT64_MAX without */
    int64_t call_ns;     /* one call at most */
    struct channel *channel;
    upb_Arena *arena; /* for the whole run; what a loop needs in each round has an arena of its own */
    upb_DefPool *defs;
};

/* What one call may take where nothing else is said. */
#define SESSION_CALL_NS (30 * CLOCK_NS_PER_S)

/* Does not connect yet. Keeps args. After a failure, too, session_close. */
MUST_USE int session_open(const struct args *args, FILE *out, FILE *notes, struct session *session, struct err *err);
void session_close(struct session *session);

/* Time left of --timeout, at least 0; INT64_MAX without. */
int64_t session_left_ns(const struct session *session);
MUST_USE int session_call(struct session *session, const char *method, struct span request, upb_Arena *arena,
                          struct span *ret_response, struct err *err);

/* "projects/P/locations/L" */
MUST_USE int session_parent(struct session *session, struct span *ret_parent, struct err *err);
/* The full name of what an operand names: a number, or a full name already. collection: "customJobs". */
MUST_USE int session_name(struct session *session, const char *collection, const char *operand, struct span *ret_name,
                          struct err *err);
/* A line on notes, unless --quiet. */
void session_note(struct session *session, const char *format, ...) PRINTF_LIKE(2, 3);
/* Prints and forgets the text. */
MUST_USE int session_print(struct session *session, struct text *text, struct err *err);

C_DECLS_END

#endif /* CLI_SESSION_H_ */
