/* log_filter: which entries of a log a filter of the Logging API asks for.
 *
 * Used by   logging_service.c compiles, log_query.c asks.
 * Shape     the grammar of filter_grammar.h with the fields
 *             resource.type               = != :
 *             resource.labels.job_id      = != :     and task_name, project_id
 *             timestamp                   all        RFC 3339
 *             severity                    all        by name or number
 *             insertId, logName, textPayload, jsonPayload.message   all, by bytes
 *           : asks whether the value stands in the field, in either case of ASCII letters; a lone * whether the field is
 *           there. Both spellings of a name are taken.
 * Owns      lies in the arena and borrows the text it was made of.
 * Thread    any; constant once made.
 * Errors    ERR_INVALID with the column; a field that is not served is named.
 * Source    the Logging query language; gcloud's log_util.py sends such filters
 */
#ifndef SERVER_LOG_FILTER_H_
#define SERVER_LOG_FILTER_H_

#include <stdbool.h>
#include <stdint.h>

#include "server/filter_grammar.h"

C_DECLS_BEGIN

struct upb_Arena;

enum log_field {
    LOG_FIELD_RESOURCE_TYPE,
    LOG_FIELD_JOB_ID,
    LOG_FIELD_TASK_NAME,
    LOG_FIELD_PROJECT_ID,
    LOG_FIELD_LOG_NAME,
    LOG_FIELD_INSERT_ID,
    LOG_FIELD_TEXT,    /* empty where the payload is JSON */
    LOG_FIELD_MESSAGE, /* of a JSON payload */
    LOG_FIELD_TEXTS,   /* so many are texts */
    LOG_FIELD_TIMESTAMP = LOG_FIELD_TEXTS,
    LOG_FIELD_SEVERITY,
};

struct log_test {
    enum log_field field;
    enum filter_operator op;
    struct span text;
    int64_t number; /* of a time, ns since 1970; of a severity its number */
};

struct log_filter {
    struct filter_jumps jumps;
    struct log_test tests[LIMIT_FILTER_TERMS];
    bool asks_payload; /* what is in a line has to be known */
    /* What all matches have: */
    struct span job_id; /* empty: not known */
    int64_t first_unix_ns;
    int64_t last_unix_ns;
};

/* What a filter may ask of an entry. */
struct log_facts {
    struct span texts[LOG_FIELD_TEXTS];
    int64_t time_unix_ns;
    int32_t severity;
};

MUST_USE int log_filter_compile(struct span text, struct upb_Arena *arena, const struct log_filter **ret_filter,
                                struct err *err);
bool log_filter_matches(const struct log_filter *filter, const struct log_facts *facts);

C_DECLS_END

#endif /* SERVER_LOG_FILTER_H_ */
