/* log_query: the thread that answers ListLogEntries, so that no call thread ever waits for the disk.
 *
 * Used by   logging_service.c hands calls over; main_serve.c makes and ends it.
 * Shape     one query after the other, each a walk over one job's log up to the page's end: oldest first, or the last
 *           ones. A page ends after as many entries as were asked for, or LIMIT_PAGE_BYTES.
 * Owns      calls from log_query_add on until it has answered them. Memory: one page.
 * Thread    add from any; create, stop and destroy from one.
 * Errors    ERR_EXHAUSTED above LOG_QUERIES_MAX that wait; UNAVAILABLE when the server stops.
 * Source    google/logging/v2/logging.proto
 */
#ifndef SERVER_LOG_QUERY_H_
#define SERVER_LOG_QUERY_H_

#include <stdbool.h>
#include <stdint.h>

#include "server/log_record.h"
#include "server/page_token.h"

C_DECLS_BEGIN

#define LOG_QUERIES_MAX 256
#define LOG_PAGE_TOKEN_CHARS (PAGE_TOKEN_CHARS + LOG_INSERT_ID_CHARS)

struct call;
struct log_querier;

/* One ListLogEntries call. Made with call_allocate. */
struct log_query {
    struct log_query *next;
    struct call *call;
    uint64_t job_id;
    struct log_origin origin;
    const struct log_filter *filter;
    bool newest_first;
    uint32_t page_size;
    /* The last entry of the page before. */
    bool has_position;
    int64_t position_unix_ns;
    char position_insert_id[LOG_INSERT_ID_CHARS + 1];
    const uint64_t *page_token_key;
    struct page_query token_query;
};

MUST_USE int log_querier_create(struct executor *executor, struct log_querier **ret_querier, struct err *err);
/* On success the call is the querier's. */
MUST_USE int log_querier_add(struct log_querier *querier, struct log_query *query, struct err *err);
/* Answers all that wait, and ends the thread. */
void log_querier_stop(struct log_querier *querier);
/* NULL is allowed. */
void log_querier_destroy(struct log_querier *querier);

/* The position of a page token; the token's text is what page_query has as filter, with the insert id behind. */
MUST_USE int log_query_read_token(struct log_query *query, struct span token, struct upb_Arena *arena, struct err *err);

C_DECLS_END

#endif /* SERVER_LOG_QUERY_H_ */
