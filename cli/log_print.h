/* log_print: log entries as lines.
 *
 * Used by   logs_tail.c.
 * Shape     for people "workerpool0-0 | line", the line's bytes as the job wrote them; as JSON one object a line, as
 *           YAML the same as items of a sequence. Pieces of a long line are put together again, unless another
 *           replica's entry comes between.
 * Owns      the name of the replica whose line is open.
 * Thread    the caller's.
 */
#ifndef CLI_LOG_PRINT_H_
#define CLI_LOG_PRINT_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "cli/session.h"

C_DECLS_BEGIN

struct log_line {
    struct span replica;
    int32_t stream; /* customjobd.v1.LogEntry.Stream */
    int64_t unix_ns;
    struct span line;
    bool partial;
    int64_t dropped_bytes;
};

struct log_printer {
    enum session_format format;
    bool timestamps;
    bool prefix;
    bool colour;
    bool open; /* the last piece had no end of line */
    struct text open_replica;
    int32_t open_stream;
};

void log_printer_add(struct log_printer *printer, struct text *text, const struct log_line *line);
/* Ends a line that is open, and frees. */
void log_printer_finish(struct log_printer *printer, struct text *text);

C_DECLS_END

#endif /* CLI_LOG_PRINT_H_ */
