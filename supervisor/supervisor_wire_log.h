/* supervisor_wire_log: how a line of a replica's output stands in stdout.log and stderr.log.
 *
 * Used by   supervisor/logs.c (writes) and executor/ (reads them; writes service.log in the same form).
 * Shape     2024-01-02T03:04:05.123456789Z F text\n
 *             F  the line, or the last piece of one     P  a piece; the line goes on in the next entry of the file
 *             !  "N bytes dropped": stands for N bytes of output that were not kept
 *           The text is the bytes as they came, invalid UTF-8 and NUL included; it never holds a newline.
 * Units     nanoseconds since 1970 UTC, years 1970..2261.
 * Thread    any.      Blocks    never.      Heap    none.
 */
#ifndef SUPERVISOR_SUPERVISOR_WIRE_LOG_H_
#define SUPERVISOR_SUPERVISOR_WIRE_LOG_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Time, blank, tag, blank. */
#define SUPERVISOR_LOG_HEAD_BYTES 33
/* The longest text of one entry; a longer line comes in pieces. */
#define SUPERVISOR_LOG_TEXT_BYTES 16384
#define SUPERVISOR_LOG_LINE_BYTES (SUPERVISOR_LOG_HEAD_BYTES + SUPERVISOR_LOG_TEXT_BYTES + 1)

#define SUPERVISOR_LOG_FULL 'F'
#define SUPERVISOR_LOG_PARTIAL 'P'
#define SUPERVISOR_LOG_DROPPED '!'

/* Writes SUPERVISOR_LOG_HEAD_BYTES bytes, no NUL. */
void supervisor_log_head(char *to, int64_t time_unix_ns, char tag);
/* Writes a whole "!" entry with its newline; returns its size, at most SUPERVISOR_LOG_HEAD_BYTES + 40. */
size_t supervisor_log_dropped_line(char *to, int64_t time_unix_ns, uint64_t dropped_bytes);

struct supervisor_log_entry {
    int64_t time_unix_ns;
    char tag;
    const char *text; /* into the line */
    size_t text_bytes;
    uint64_t dropped_bytes; /* of "!" */
};

/* line is without its newline. False: it does not have this form. */
bool supervisor_log_parse(const char *line, size_t size, struct supervisor_log_entry *ret_entry);

#ifdef __cplusplus
}
#endif

#endif /* SUPERVISOR_SUPERVISOR_WIRE_LOG_H_ */
