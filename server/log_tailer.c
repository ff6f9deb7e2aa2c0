#include "server/log_tailer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "job/job_state.h"
#include "server/call.h"

/* One stream's share before the next one's turn. */
#define MESSAGES_PER_TURN 4
/* How soon to look again whether a slow client has taken what was sent. */
#define BLOCKED_WAIT_MS 5
/* After the final state the service's own last lines are still being written. */
#define FINAL_WAIT_MS 100

struct log_tailer {
    struct log_tailer_options options;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct log_tail *incoming; /* under lock, as all that follows */
    uint32_t stream_count;
    bool has_news; /* a stream came, or a client has gone */
    bool is_stopping;
};

enum verdict {
    TURN_MORE,  /* its share was used up: again, after the others */
    TURN_WAITS, /* at due_mono_ns */
    TURN_ENDED  /* the call is gone */
};

/* ---- one stream ---- */

static void end_stream(struct log_tailer *tailer, struct log_tail *stream, const struct err *err)
{
    tail_reader_destroy(stream->reader);
    stream->reader = NULL;
    pthread_mutex_lock(&tailer->lock);
    tailer->stream_count--;
    pthread_mutex_unlock(&tailer->lock);
    call_stream_end(stream->call, err);
}

static enum verdict wait_for(struct log_tailer *tailer, struct log_tail *stream, int64_t wait_ms)
{
    stream->due_mono_ns = clock_mono_ns(tailer->options.clock) + wait_ms * CLOCK_NS_PER_MS;
    return TURN_WAITS;
}

/* At the log's present end: done, or how long until there may be more. */
static enum verdict at_end(struct log_tailer *tailer, struct log_tail *stream, bool is_final, bool has_read)
{
    if (!stream->follows || (is_final && stream->was_final && !has_read)) {
        end_stream(tailer, stream, NULL);
        return TURN_ENDED;
    }
    if (is_final) {
        stream->was_final = true;
        return wait_for(tailer, stream, FINAL_WAIT_MS);
    }
    stream->wait_ms = has_read || stream->wait_ms == 0 ? LOG_POLL_MIN_MS : stream->wait_ms * 2;
    if (stream->wait_ms > LOG_POLL_MAX_MS) {
        stream->wait_ms = LOG_POLL_MAX_MS;
    }
    return wait_for(tailer, stream, stream->wait_ms);
}

static enum verdict read_some(struct log_tailer *tailer, struct log_tail *stream, bool is_final, struct err *err)
{
    bool has_read = false;

    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        struct span message;
        bool is_at_end;

        if (call_stream_pending(stream->call) > LOG_UNSENT_BYTES) {
            return wait_for(tailer, stream, BLOCKED_WAIT_MS);
        }
        if (tail_reader_read(stream->reader, &message, &is_at_end, err)) {
            return TURN_ENDED;
        }
        if (message.size > 0) {
            has_read = true;
            if (!call_stream_send(stream->call, message)) {
                err_set(err, ERR_EXHAUSTED, "the client does not take the log");
                return TURN_ENDED;
            }
        }
        if (is_at_end) {
            return at_end(tailer, stream, is_final, has_read);
        }
    }
    return TURN_MORE;
}

static int find_job(struct log_tailer *tailer, const struct log_tail *stream, bool *ret_is_final, struct err *err)
{
    struct store_version *version = store_get_by_name(tailer->options.store, STORE_TABLE_JOB, stream->name);

    if (!version) {
        return err_set(err, ERR_NOT_FOUND, "The CustomJob \"%.*s\" was not found.", SPAN_FORMAT(stream->name));
    }
    *ret_is_final = job_state_is_terminal((enum job_state)store_version_state(version));
    store_version_unref(version);
    return 0;
}

static enum verdict take_turn(struct log_tailer *tailer, struct log_tail *stream)
{
    struct err err = ERR_INIT;
    enum verdict verdict = TURN_ENDED;
    bool is_final = false;

    if (call_is_cancelled(stream->call)) {
        end_stream(tailer, stream, NULL);
        return TURN_ENDED;
    }
    /* The state before the log: what is written before a state is final is then found in this turn. */
    if (!find_job(tailer, stream, &is_final, &err) &&
        (stream->reader || !tail_reader_create(tailer->options.executor, &stream->wish, &stream->reader, &err))) {
        verdict = read_some(tailer, stream, is_final, &err);
    }
    if (verdict == TURN_ENDED && err.code != ERR_NONE) {
        end_stream(tailer, stream, &err);
    }
    return verdict;
}

/* ---- the thread ---- */

static bool is_due(struct log_tailer *tailer, struct log_tail *stream, int64_t now_mono_ns)
{
    bool is_gone;

    if (stream->due_mono_ns <= now_mono_ns) {
        return true;
    }
    pthread_mutex_lock(&tailer->lock);
    is_gone = stream->is_gone;
    pthread_mutex_unlock(&tailer->lock);
    return is_gone;
}

/* A turn for each stream that is due; when the next one is. */
static int64_t take_turns(struct log_tailer *tailer, struct log_tail **streams)
{
    int64_t now = clock_mono_ns(tailer->options.clock);
    int64_t next_due = INT64_MAX;

    for (struct log_tail **link = streams; *link;) {
        struct log_tail *stream = *link;
        struct log_tail *next = stream->next;

        if (is_due(tailer, stream, now)) {
            enum verdict verdict = take_turn(tailer, stream);

            if (verdict == TURN_ENDED) {
                *link = next; /* the stream's memory went with its call */
                continue;
            }
            if (verdict == TURN_MORE) {
                stream->due_mono_ns = 0;
            }
        }
        next_due = stream->due_mono_ns < next_due ? stream->due_mono_ns : next_due;
        link = &stream->next;
    }
    return next_due;
}

/* Waits for news or until then, and puts new streams before the others; false: it is time to stop. */
static bool wait_for_news(struct log_tailer *tailer, int64_t due_mono_ns, struct log_tail **streams)
{
    struct timespec until = {due_mono_ns / CLOCK_NS_PER_S, due_mono_ns % CLOCK_NS_PER_S};
    bool goes_on;

    pthread_mutex_lock(&tailer->lock);
    while (!tailer->has_news && !tailer->is_stopping) {
        if (due_mono_ns == INT64_MAX) {
            pthread_cond_wait(&tailer->changed, &tailer->lock);
        } else if (pthread_cond_timedwait(&tailer->changed, &tailer->lock, &until) != 0) {
            break;
        }
    }
    tailer->has_news = false;
    while (tailer->incoming) {
        struct log_tail *stream = tailer->incoming;

        tailer->incoming = stream->next;
        stream->next = *streams;
        *streams = stream;
    }
    goes_on = !tailer->is_stopping;
    pthread_mutex_unlock(&tailer->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct log_tailer *tailer = context;
    struct log_tail *streams = NULL;
    struct err err = ERR_INIT;
    int64_t due = INT64_MAX;

    pthread_setname_np(pthread_self(), "log-tailer");
    store_reader_register(tailer->options.store);
    while (wait_for_news(tailer, due, &streams)) {
        due = take_turns(tailer, &streams);
    }
    err_set(&err, ERR_UNAVAILABLE, "the server is stopping");
    while (streams) {
        struct log_tail *stream = streams;

        streams = stream->next;
        end_stream(tailer, stream, &err);
    }
    store_reader_unregister(tailer->options.store);
    return NULL;
}

/* ---- life ---- */

int log_tailer_create(const struct log_tailer_options *options, struct log_tailer **ret_tailer, struct err *err)
{
    struct log_tailer *tailer = calloc(1, sizeof *tailer);
    pthread_condattr_t attributes;
    int failure;

    if (!tailer) {
        return err_set(err, ERR_EXHAUSTED, "no memory for the reader of logs");
    }
    tailer->options = *options;
    pthread_mutex_init(&tailer->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&tailer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    failure = pthread_create(&tailer->thread, NULL, run, tailer);
    if (failure != 0) {
        log_tailer_destroy(tailer);
        return err_set_errno(err, failure, "no thread for the reader of logs");
    }
    tailer->runs = true;
    *ret_tailer = tailer;
    return 0;
}

static void client_gone(struct call *call, void *context)
{
    struct log_tail *stream = context;
    struct log_tailer *tailer = stream->tailer;

    (void)call;
    pthread_mutex_lock(&tailer->lock);
    stream->is_gone = true;
    tailer->has_news = true;
    pthread_cond_signal(&tailer->changed);
    pthread_mutex_unlock(&tailer->lock);
}

int log_tailer_add(struct log_tailer *tailer, struct log_tail *stream, struct err *err)
{
    int result = 0;

    stream->tailer = tailer;
    pthread_mutex_lock(&tailer->lock);
    if (tailer->is_stopping) {
        result = err_set(err, ERR_UNAVAILABLE, "the server is stopping");
    } else if (tailer->stream_count >= LIMIT_LOG_STREAMS) {
        result = err_set(err, ERR_EXHAUSTED, "%u logs are being read, the limit is %d: try again later",
                         tailer->stream_count, LIMIT_LOG_STREAMS);
    } else {
        call_on_gone(stream->call, client_gone, stream);
        stream->next = tailer->incoming;
        tailer->incoming = stream;
        tailer->stream_count++;
        tailer->has_news = true;
        pthread_cond_signal(&tailer->changed);
    }
    pthread_mutex_unlock(&tailer->lock);
    return result;
}

void log_tailer_stop(struct log_tailer *tailer)
{
    if (!tailer->runs) {
        return;
    }
    pthread_mutex_lock(&tailer->lock);
    tailer->is_stopping = true;
    pthread_cond_signal(&tailer->changed);
    pthread_mutex_unlock(&tailer->lock);
    pthread_join(tailer->thread, NULL);
    tailer->runs = false;
}

void log_tailer_destroy(struct log_tailer *tailer)
{
    if (tailer) {
        log_tailer_stop(tailer);
        pthread_cond_destroy(&tailer->changed);
        pthread_mutex_destroy(&tailer->lock);
        free(tailer);
    }
}
