#include "server/http_exchange.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_framing.h"
#include "server/http_server_state.h"

#define HTTP_2 0x200

struct http_exchange {
    h2o_multithread_message_t message; /* first: what is posted */
    void (*posted)(void *state);
    struct http_server *server;
    h2o_req_t *request; /* NULL: the client is gone, or has all */
    void *state;
    void (*release)(void *state);
    void (*gone)(void *state);
    void (*more)(void *state);
    h2o_generator_t generator; /* of an answer in pieces */
    size_t header_bytes;
    bool is_answered;
    bool is_gone; /* by __atomic */
};

/* Lies in the request's pool, which tells when it goes. */
struct tie {
    struct http_exchange *exchange;
};

static struct span span_of_vector(h2o_iovec_t vector)
{
    return span_make(vector.base, vector.len);
}

/* ---- the request ---- */

struct span http_exchange_method(const struct http_exchange *exchange)
{
    return exchange->request ? span_of_vector(exchange->request->input.method) : span_of("");
}

struct span http_exchange_path(const struct http_exchange *exchange)
{
    struct span path = exchange->request ? span_of_vector(exchange->request->input.path) : span_of("");

    if (exchange->request && exchange->request->query_at < path.size) {
        path.size = exchange->request->query_at;
    }
    return path;
}

struct span http_exchange_query(const struct http_exchange *exchange)
{
    struct span path = exchange->request ? span_of_vector(exchange->request->input.path) : span_of("");

    if (!exchange->request || exchange->request->query_at >= path.size) {
        return span_of("");
    }
    return span_skip(path, exchange->request->query_at + 1);
}

struct span http_exchange_body(const struct http_exchange *exchange)
{
    return exchange->request ? span_of_vector(exchange->request->entity) : span_of("");
}

struct span http_exchange_host(const struct http_exchange *exchange)
{
    return exchange->request ? span_of_vector(exchange->request->input.authority) : span_of("");
}

struct span http_exchange_scheme(const struct http_exchange *exchange)
{
    return exchange->request ? span_of_vector(exchange->request->scheme->name) : span_of("");
}

struct span http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    struct span wanted = span_of(name);
    const h2o_headers_t *headers;

    if (!exchange->request) {
        return span_of("");
    }
    headers = &exchange->request->headers;
    for (size_t i = 0; i < headers->size; i++) {
        if (span_equal(span_of_vector(*headers->entries[i].name), wanted)) {
            return span_of_vector(headers->entries[i].value);
        }
    }
    return span_of("");
}

static size_t count_header_bytes(const h2o_req_t *request)
{
    size_t bytes = request->input.path.len;

    for (size_t i = 0; i < request->headers.size; i++) {
        bytes += request->headers.entries[i].name->len + request->headers.entries[i].value.len;
    }
    return bytes;
}

size_t http_exchange_header_bytes(const struct http_exchange *exchange)
{
    return exchange->header_bytes;
}

/* ---- life ---- */

/* It has been answered and the client has that, or is gone. */
static void end(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;

    if (exchange->release) {
        exchange->release(exchange->state);
    }
    free(exchange);
    pthread_mutex_lock(&server->lock);
    server->exchanges--;
    if (server->exchanges == 0) {
        pthread_cond_broadcast(&server->changed);
    }
    pthread_mutex_unlock(&server->lock);
}

/* The request's memory goes: its answer was sent, or its connection or stream has ended. */
static void lose_request(void *memory)
{
    struct http_exchange *exchange = ((struct tie *)memory)->exchange;

    exchange->request = NULL;
    __atomic_store_n(&exchange->is_gone, true, __ATOMIC_RELEASE);
    if (exchange->is_answered) {
        end(exchange);
    } else if (exchange->gone) {
        void (*gone)(void *) = exchange->gone;

        exchange->gone = NULL;
        gone(exchange->state);
    }
}

static struct http_exchange *create(struct http_server *server, h2o_req_t *request)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    struct tie *tie;

    if (!exchange) {
        return NULL;
    }
    exchange->server = server;
    exchange->request = request;
    exchange->header_bytes = count_header_bytes(request);
    tie = h2o_mem_alloc_shared(&request->pool, sizeof *tie, lose_request);
    tie->exchange = exchange;
    pthread_mutex_lock(&server->lock);
    server->exchanges++;
    pthread_mutex_unlock(&server->lock);
    return exchange;
}

static bool is_ambiguous(const h2o_req_t *request)
{
    const h2o_socket_t *socket;

    if (request->version >= HTTP_2) {
        return false;
    }
    socket = request->conn->callbacks->get_socket(request->conn);
    return http_framing_is_ambiguous(span_make(socket->input->bytes, socket->input->size));
}

int http_exchange_begin(h2o_handler_t *handler, h2o_req_t *request)
{
    struct http_server *server = ((struct http_handler *)handler)->server;
    struct http_exchange *exchange;

    if (is_ambiguous(request)) {
        h2o_send_error_400(request, "Bad Request", "the request says twice how long its body is\n",
                           H2O_SEND_ERROR_HTTP1_CLOSE_CONNECTION);
        return 0;
    }
    exchange = create(server, request);
    if (!exchange) {
        h2o_send_error_503(request, "Service Unavailable", "no memory\n", 0);
        return 0;
    }
    if (http_server_is_draining(server)) {
        request->http1_is_persistent = 0;
    }
    server->options.serve(server->options.context, exchange);
    return 0;
}

/* ---- what waits ---- */

void http_exchange_own(struct http_exchange *exchange, void *state, void (*release)(void *state))
{
    exchange->state = state;
    exchange->release = release;
}

void http_exchange_post(struct http_exchange *exchange, void (*fn)(void *state))
{
    exchange->posted = fn;
    exchange->message.link = (h2o_linklist_t){.next = NULL};
    h2o_multithread_send_message(&exchange->server->mail, &exchange->message);
}

void http_exchange_take_mail(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    h2o_linklist_t *next;

    (void)receiver;
    for (h2o_linklist_t *link = messages->next; link != messages; link = next) {
        struct http_exchange *exchange = (struct http_exchange *)(void *)link;

        next = link->next;
        exchange->posted(exchange->state); /* it may be gone after that */
    }
    h2o_linklist_init_anchor(messages);
}

bool http_exchange_is_gone(const struct http_exchange *exchange)
{
    return __atomic_load_n(&exchange->is_gone, __ATOMIC_ACQUIRE);
}

void http_exchange_on_gone(struct http_exchange *exchange, void (*notice)(void *state))
{
    exchange->gone = notice;
}

bool http_exchange_is_own_thread(const struct http_exchange *exchange)
{
    return pthread_equal(pthread_self(), exchange->server->thread) != 0;
}

/* ---- the answer ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        {200, "OK"},
        {204, "No Content"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {308, "Resume Incomplete"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].reason;
        }
    }
    return "Status";
}

void http_exchange_add_header(struct http_exchange *exchange, const char *name, struct span value)
{
    h2o_req_t *request = exchange->request;

    if (request) {
        h2o_iovec_t copy = h2o_strdup(&request->pool, value.data ? value.data : "", value.size);

        h2o_add_header_by_str(&request->pool, &request->res.headers, name, strlen(name), 1, NULL, copy.base, copy.len);
    }
}

void http_exchange_close(struct http_exchange *exchange)
{
    if (exchange->request) {
        exchange->request->http1_is_persistent = 0;
    }
}

static void set_head(h2o_req_t *request, int status, const char *content_type, size_t length)
{
    request->res.status = status;
    request->res.reason = reason_of(status);
    request->res.content_length = length;
    request->compress_hint = H2O_COMPRESS_HINT_DISABLE;
    h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("x-content-type-options"), 1, NULL,
                          H2O_STRLIT("nosniff"));
    if (content_type) {
        h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, content_type,
                       strlen(content_type));
    }
}

static bool is_head(const h2o_req_t *request)
{
    return h2o_memis(request->input.method.base, request->input.method.len, H2O_STRLIT("HEAD"));
}

void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type, struct span body)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_req_t *request = exchange->request;
    h2o_iovec_t bytes = h2o_iovec_init(body.data, body.size);

    exchange->is_answered = true;
    if (!request) {
        end(exchange);
        return;
    }
    set_head(request, status, content_type, body.size);
    if (body.size >= HTTP_GZIP_LEAST_BYTES) {
        request->compress_hint = H2O_COMPRESS_HINT_ENABLE;
    }
    h2o_start_response(request, &generator);
    if (body.size == 0 || is_head(request)) {
        h2o_send(request, NULL, 0, H2O_SEND_STATE_FINAL);
    } else {
        h2o_send(request, &bytes, 1, H2O_SEND_STATE_FINAL);
    }
}

/* ---- an answer in pieces ---- */

static void ask_more(h2o_generator_t *generator, h2o_req_t *request)
{
    struct http_exchange *exchange =
        (struct http_exchange *)(void *)((char *)generator - offsetof(struct http_exchange, generator));

    (void)request;
    exchange->more(exchange->state);
}

void http_exchange_start_answer(struct http_exchange *exchange, int status, const char *content_type, uint64_t length,
                                void (*more)(void *state))
{
    h2o_req_t *request = exchange->request;

    exchange->more = more;
    exchange->generator = (h2o_generator_t){ask_more, NULL};
    if (request) {
        set_head(request, status, content_type, (size_t)length);
        h2o_start_response(request, &exchange->generator);
    }
}

void http_exchange_send(struct http_exchange *exchange, struct span piece, bool is_last)
{
    h2o_req_t *request = exchange->request;
    h2o_iovec_t bytes = h2o_iovec_init(piece.data, piece.size);
    bool is_empty = piece.size == 0 || (request && is_head(request));

    exchange->is_answered = exchange->is_answered || is_last;
    if (request) {
        h2o_send(request, is_empty ? NULL : &bytes, is_empty ? 0 : 1,
                 is_last ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
    } else if (is_last) {
        end(exchange);
    }
}

void http_exchange_cut(struct http_exchange *exchange)
{
    exchange->is_answered = true;
    if (exchange->request) {
        h2o_send(exchange->request, NULL, 0, H2O_SEND_STATE_ERROR);
    } else {
        end(exchange);
    }
}
