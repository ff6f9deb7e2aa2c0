/* main_log: what the program says on standard error: one line per event, with time and level.
 *
 * Used by   main*.c; libraries never log, they are given a function that does.
 * Shape     "2026-11-24T20:10:52.123Z INFO  text"; the level in colour on a terminal, unless NO_COLOR is set.
 * Thread    any: a line is one write.      Blocks    on standard error.
 */
#ifndef SERVER_MAIN_LOG_H_
#define SERVER_MAIN_LOG_H_

#include "base/err.h"

C_DECLS_BEGIN

enum main_log_level { MAIN_LOG_INFO, MAIN_LOG_WARNING, MAIN_LOG_ERROR };

void main_log(enum main_log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
/* main_log at MAIN_LOG_INFO, in the form that rooms take. */
void main_log_line(void *context, const char *line);
/* From now on C-core's own lines come this way too: a handshake that failed, a message that was compressed. */
void main_log_take_grpc(void);

C_DECLS_END

#endif /* SERVER_MAIN_LOG_H_ */
