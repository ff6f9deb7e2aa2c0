#include "server/log_query.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "google/logging/v2/log_entry.upb.h"
#include "google/logging/v2/logging.upb.h"
#include "server/call.h"
#include "upb/arena.h"

/* So often a walk looks whether anybody still waits for its end. */
#define LINES_PER_LOOK 4096

struct log_querier {
    struct executor *executor;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct log_query *first, **last_next; /* under lock, as all that follows */
    uint32_t count;
    bool is_stopping;
};

/* One walk. records is a ring when the newest are wanted: the page's last ones, and one more. */
struct walk {
    const struct log_query *query;
    struct log_record *records;
    uint32_t capacity; /* page_size and one more, which tells that there is another page */
    uint64_t taken;
    uint64_t looked_at;
    bool is_abandoned;
    struct err err;
};

/* ---- one line ---- */

static int compare_places(int64_t unix_ns, const char *insert_id, const struct log_query *query)
{
    if (unix_ns != query->position_unix_ns) {
        return unix_ns < query->position_unix_ns ? -1 : 1;
    }
    return strcmp(insert_id, query->position_insert_id);
}

/* Known before anything of the line is copied. */
static bool is_on_page(const struct log_query *query, const struct log_line *line)
{
    char insert_id[LOG_INSERT_ID_CHARS + 1];
    int order;

    if (line->order_unix_ns < query->filter->first_unix_ns || line->order_unix_ns > query->filter->last_unix_ns) {
        return false;
    }
    if (!query->has_position) {
        return true;
    }
    log_insert_id_format(line->place, insert_id);
    order = compare_places(line->order_unix_ns, insert_id, query);
    return query->newest_first ? order < 0 : order > 0;
}

static int passes(struct walk *walk, const struct log_line *line, bool *ret_passes)
{
    const struct log_query *query = walk->query;
    struct log_record record;
    struct log_facts facts;

    if (log_record_init(&record, line, &query->origin, query->filter->asks_payload, &walk->err)) {
        return -1;
    }
    log_record_facts(&record, &query->origin, &facts);
    *ret_passes = log_filter_matches(query->filter, &facts);
    log_record_deinit(&record);
    return 0;
}

static bool take(struct walk *walk, const struct log_line *line)
{
    struct log_record *place = &walk->records[walk->taken % walk->capacity];

    log_record_deinit(place);
    if (log_record_init(place, line, &walk->query->origin, true, &walk->err)) {
        return false;
    }
    walk->taken++;
    return walk->query->newest_first || walk->taken < walk->capacity;
}

static bool look_at(void *context, const struct log_line *line)
{
    struct walk *walk = context;
    bool is_wanted = false;

    if (walk->looked_at++ % LINES_PER_LOOK == 0 && call_is_cancelled(walk->query->call)) {
        walk->is_abandoned = true;
        return false;
    }
    if (line->order_unix_ns > walk->query->filter->last_unix_ns) {
        return false; /* none after it is earlier */
    }
    if (!is_on_page(walk->query, line)) {
        return true;
    }
    if (passes(walk, line, &is_wanted)) {
        return false;
    }
    return !is_wanted || take(walk, line);
}

/* ---- the answer ---- */

static int write_token(const struct log_query *query, const struct log_record *last,
                       google_logging_v2_ListLogEntriesResponse *response, struct upb_Arena *arena, struct err *err)
{
    struct page_query bound = query->token_query;
    char *token = upb_Arena_Malloc(arena, LOG_PAGE_TOKEN_CHARS);
    char *filter = upb_Arena_Malloc(arena, bound.filter.size + LOG_INSERT_ID_CHARS);

    if (!token || !filter) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a page token");
    }
    memcpy(filter, bound.filter.data, bound.filter.size);
    memcpy(filter + bound.filter.size, last->insert_id, LOG_INSERT_ID_CHARS);
    bound.filter = span_make(filter, bound.filter.size + LOG_INSERT_ID_CHARS);
    page_token_encode(query->page_token_key, &bound, (uint64_t)last->time_unix_ns, token);
    memcpy(token + PAGE_TOKEN_CHARS, last->insert_id, LOG_INSERT_ID_CHARS);
    google_logging_v2_ListLogEntriesResponse_set_next_page_token(
        response, upb_StringView_FromDataAndSize(token, LOG_PAGE_TOKEN_CHARS));
    return 0;
}

int log_query_read_token(struct log_query *query, struct span token, struct upb_Arena *arena, struct err *err)
{
    struct page_query bound = query->token_query;
    uint64_t position;
    char *filter;

    if (token.size != LOG_PAGE_TOKEN_CHARS) {
        return err_set(err, ERR_INVALID, "this is no page token of this server");
    }
    filter = upb_Arena_Malloc(arena, bound.filter.size + LOG_INSERT_ID_CHARS);
    if (!filter) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a page token");
    }
    memcpy(filter, bound.filter.data, bound.filter.size);
    memcpy(filter + bound.filter.size, token.data + PAGE_TOKEN_CHARS, LOG_INSERT_ID_CHARS);
    bound.filter = span_make(filter, bound.filter.size + LOG_INSERT_ID_CHARS);
    if (page_token_decode(query->page_token_key, &bound, span_make(token.data, PAGE_TOKEN_CHARS), &position, err)) {
        return -1;
    }
    query->has_position = true;
    query->position_unix_ns = (int64_t)position;
    memcpy(query->position_insert_id, token.data + PAGE_TOKEN_CHARS, LOG_INSERT_ID_CHARS);
    query->position_insert_id[LOG_INSERT_ID_CHARS] = '\0';
    return 0;
}

static int write_page(const struct walk *walk, google_logging_v2_ListLogEntriesResponse *response,
                      struct upb_Arena *arena, struct err *err)
{
    const struct log_query *query = walk->query;
    uint64_t found = walk->taken < walk->capacity ? walk->taken : walk->capacity;
    const struct log_record *last = NULL;
    size_t bytes = 0;

    for (uint64_t i = 0; i < found; i++) {
        uint64_t number = query->newest_first ? walk->taken - 1 - i : i;
        const struct log_record *record = &walk->records[number % walk->capacity];
        google_logging_v2_LogEntry *entry;

        bytes += sizeof *record + record->line_bytes;
        if (last && (i == query->page_size || bytes > LIMIT_PAGE_BYTES)) {
            return write_token(query, last, response, arena, err);
        }
        entry = google_logging_v2_ListLogEntriesResponse_add_entries(response, arena);
        if (!entry) {
            return err_set(err, ERR_EXHAUSTED, "no memory for a log entry");
        }
        if (log_record_write(record, &query->origin, entry, arena, err)) {
            return -1;
        }
        last = record;
    }
    return 0;
}

static void reply(const struct walk *walk, struct err *err)
{
    struct upb_Arena *arena = upb_Arena_New();
    google_logging_v2_ListLogEntriesResponse *response =
        arena ? google_logging_v2_ListLogEntriesResponse_new(arena) : NULL;
    char *bytes = NULL;
    size_t size = 0;

    if (!response) {
        err_set(err, ERR_EXHAUSTED, "no memory for a page");
    } else if (!write_page(walk, response, arena, err)) {
        bytes = google_logging_v2_ListLogEntriesResponse_serialize(response, arena, &size);
        if (!bytes) {
            err_set(err, ERR_EXHAUSTED, "no memory for a page");
        }
    }
    if (bytes) {
        call_reply(walk->query->call, span_make(bytes, size));
    } else {
        call_reply_error(walk->query->call, err, span_make(NULL, 0));
    }
    if (arena) {
        upb_Arena_Free(arena);
    }
}

static int read_log(struct log_querier *querier, struct walk *walk, struct err *err)
{
    struct log_cursor *cursor;
    int result;

    if (job_logs_open(querier->executor, walk->query->job_id, "", &cursor, err)) {
        if (err->code != ERR_NOT_FOUND) {
            return -1;
        }
        err->code = ERR_NONE; /* no log yet is an empty one */
        return 0;
    }
    result = job_logs_read(querier->executor, cursor, look_at, walk, err);
    job_logs_close(querier->executor, cursor);
    if (result == 0 && walk->err.code != ERR_NONE) {
        *err = walk->err;
        return -1;
    }
    return result;
}

static void answer(struct log_querier *querier, struct log_query *query)
{
    struct walk walk = {.query = query, .capacity = query->page_size + 1};
    struct err err = ERR_INIT;

    walk.records = calloc(walk.capacity, sizeof *walk.records);
    if (!walk.records) {
        err_set(&err, ERR_EXHAUSTED, "no memory for a page");
    } else if (!read_log(querier, &walk, &err) && walk.is_abandoned) {
        err_set(&err, ERR_UNAVAILABLE, "nobody waits for the page any more");
    }
    if (err.code != ERR_NONE) {
        call_reply_error(query->call, &err, span_make(NULL, 0));
    } else {
        reply(&walk, &err);
    }
    for (uint32_t i = 0; walk.records && i < walk.capacity; i++) {
        log_record_deinit(&walk.records[i]);
    }
    free(walk.records);
}

/* ---- the thread ---- */

/* NULL: it is time to stop, and nothing is left. */
static struct log_query *next_query(struct log_querier *querier, bool *ret_is_stopping)
{
    struct log_query *query;

    pthread_mutex_lock(&querier->lock);
    while (!querier->first && !querier->is_stopping) {
        pthread_cond_wait(&querier->changed, &querier->lock);
    }
    query = querier->first;
    if (query) {
        querier->first = query->next;
        querier->last_next = querier->first ? querier->last_next : &querier->first;
        querier->count--;
    }
    *ret_is_stopping = querier->is_stopping;
    pthread_mutex_unlock(&querier->lock);
    return query;
}

static void *run(void *context)
{
    struct log_querier *querier = context;
    struct log_query *query;
    bool is_stopping;

    pthread_setname_np(pthread_self(), "log-query");
    while ((query = next_query(querier, &is_stopping))) {
        struct err err = ERR_INIT;

        if (is_stopping) {
            err_set(&err, ERR_UNAVAILABLE, "the server is stopping");
            call_reply_error(query->call, &err, span_make(NULL, 0));
        } else {
            answer(querier, query);
        }
    }
    return NULL;
}

int log_querier_create(struct executor *executor, struct log_querier **ret_querier, struct err *err)
{
    struct log_querier *querier = calloc(1, sizeof *querier);
    int failure;

    if (!querier) {
        return err_set(err, ERR_EXHAUSTED, "no memory for queries of logs");
    }
    querier->executor = executor;
    querier->last_next = &querier->first;
    pthread_mutex_init(&querier->lock, NULL);
    pthread_cond_init(&querier->changed, NULL);
    failure = pthread_create(&querier->thread, NULL, run, querier);
    if (failure != 0) {
        log_querier_destroy(querier);
        return err_set_errno(err, failure, "no thread for queries of logs");
    }
    querier->runs = true;
    *ret_querier = querier;
    return 0;
}

int log_querier_add(struct log_querier *querier, struct log_query *query, struct err *err)
{
    int result = 0;

    query->next = NULL;
    pthread_mutex_lock(&querier->lock);
    if (querier->is_stopping) {
        result = err_set(err, ERR_UNAVAILABLE, "the server is stopping");
    } else if (querier->count >= LOG_QUERIES_MAX) {
        result = err_set(err, ERR_EXHAUSTED, "%u queries of logs are waiting, the limit is %d: try again later",
                         querier->count, LOG_QUERIES_MAX);
    } else {
        *querier->last_next = query;
        querier->last_next = &query->next;
        querier->count++;
        pthread_cond_signal(&querier->changed);
    }
    pthread_mutex_unlock(&querier->lock);
    return result;
}

void log_querier_stop(struct log_querier *querier)
{
    if (!querier->runs) {
        return;
    }
    pthread_mutex_lock(&querier->lock);
    querier->is_stopping = true;
    pthread_cond_signal(&querier->changed);
    pthread_mutex_unlock(&querier->lock);
    pthread_join(querier->thread, NULL);
    querier->runs = false;
}

void log_querier_destroy(struct log_querier *querier)
{
    if (querier) {
        log_querier_stop(querier);
        pthread_cond_destroy(&querier->changed);
        pthread_mutex_destroy(&querier->lock);
        free(querier);
    }
}
