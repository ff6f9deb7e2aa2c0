/* log_record: one line of a job's log as an entry of the Logging API.
 *
 * Used by   log_query.c.
 * Shape     a line that is a JSON object becomes jsonPayload, and its "severity" the entry's; any other textPayload, where
 *           what is no UTF-8 becomes "?". Without a severity of its own stdout is INFO, stderr ERROR, the service INFO.
 *           log_name is projects/P/logs/TASK, TASK a replica's name or "service". insert_id is the line's place.
 * Owns      a copy of the line, until log_record_deinit.
 * Thread    one.
 * Errors    ERR_EXHAUSTED: memory.
 * Source    docs/operations.md
 */
#ifndef SERVER_LOG_RECORD_H_
#define SERVER_LOG_RECORD_H_

#include "job/job_logs.h"
#include "server/log_filter.h"

C_DECLS_BEGIN

#define LOG_INSERT_ID_CHARS 32

struct json_t;
struct google_logging_v2_LogEntry;

/* Whose log it is; spans are the caller's. */
struct log_origin {
    struct span project;
    struct span job_id;
};

struct log_record {
    int64_t time_unix_ns; /* the line's order, so that entries never go back in time */
    char insert_id[LOG_INSERT_ID_CHARS + 1];
    char task_name[32];
    char log_name[128];
    int32_t severity;
    char *text; /* NULL where there is json */
    size_t text_size;
    struct json_t *json; /* NULL: the line is no object */
    size_t line_bytes;
    bool is_partial;
};

/* reads_payload false: only what needs no look at the text; log_record_facts knows nothing of it then. */
MUST_USE int log_record_init(struct log_record *record, const struct log_line *line, const struct log_origin *origin,
                             bool reads_payload, struct err *err);
void log_record_deinit(struct log_record *record);
/* Spans point into record and origin. */
void log_record_facts(const struct log_record *record, const struct log_origin *origin, struct log_facts *ret_facts);
/* Into an entry of the arena. */
MUST_USE int log_record_write(const struct log_record *record, const struct log_origin *origin,
                              struct google_logging_v2_LogEntry *entry, struct upb_Arena *arena, struct err *err);

void log_insert_id_format(const uint64_t place[2], char insert_id[LOG_INSERT_ID_CHARS + 1]);

C_DECLS_END

#endif /* SERVER_LOG_RECORD_H_ */
