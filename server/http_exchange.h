/* http_exchange: one request over HTTP and its answer, as modules see them, whichever version of HTTP it came by.
 *
 * Used by   http_router.c, rest_call.c; http_server.c makes and ends them.
 * Shape     a module is called once with a request that is there as a whole, and answers exactly once, at once or later.
 *           What it keeps for that is owned by the exchange, and lives until the answer has been sent.
 * Owns      the request's bytes, until the answer is given or the client is gone: see http_exchange_is_gone.
 * Thread    the HTTP thread's; other threads may call http_exchange_post and http_exchange_is_gone alone.
 * Blocks    never, and no module may.
 */
#ifndef SERVER_HTTP_EXCHANGE_H_
#define SERVER_HTTP_EXCHANGE_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct http_exchange;

/* ---- the request ---- */
struct span http_exchange_method(const struct http_exchange *exchange); /* "GET" */
struct span http_exchange_path(const struct http_exchange *exchange);   /* as sent, without the query */
struct span http_exchange_query(const struct http_exchange *exchange);  /* as sent, without the '?' */
struct span http_exchange_body(const struct http_exchange *exchange);
struct span http_exchange_host(const struct http_exchange *exchange);   /* with its port, if there is one */
struct span http_exchange_scheme(const struct http_exchange *exchange); /* "http" or "https" */
/* Lower-case name; empty when absent, the first when there are several. */
struct span http_exchange_header(const struct http_exchange *exchange, const char *name);
size_t http_exchange_header_bytes(const struct http_exchange *exchange); /* of path and headers */

/* ---- what waits ---- */
/* release is called with state on the HTTP thread, once the answer was sent or cannot be. */
void http_exchange_own(struct http_exchange *exchange, void *state, void (*release)(void *state));
/* Runs fn with the state on the HTTP thread, soon. One at a time. Any thread, which lets go of the exchange with it. */
void http_exchange_post(struct http_exchange *exchange, void (*fn)(void *state));
/* The client is gone: an answer would reach nobody, and is due all the same. The request's bytes are gone with it. */
bool http_exchange_is_gone(const struct http_exchange *exchange);
/* Runs notice with the state, once, when that happens before the answer. */
void http_exchange_on_gone(struct http_exchange *exchange, void (*notice)(void *state));
/* The caller is the HTTP thread of this exchange. */
bool http_exchange_is_own_thread(const struct http_exchange *exchange);

/* ---- the answer ---- */
/* Before the answer; static lower-case name, the value is copied. */
void http_exchange_add_header(struct http_exchange *exchange, const char *name, struct span value);
/* Ends it. The body must live until the state is released. content_type must too; NULL for an answer without a body. */
void http_exchange_answer(struct http_exchange *exchange, int status, const char *content_type, struct span body);
/* Instead: an answer of length bytes, in pieces. more is called with the state when the piece before has been taken. */
void http_exchange_start_answer(struct http_exchange *exchange, int status, const char *content_type, uint64_t length,
                                void (*more)(void *state));
/* After that, and each more. The piece must live until the next more, or the release. */
void http_exchange_send(struct http_exchange *exchange, struct span piece, bool is_last);
/* Ends it without the rest, and the connection with it: the client sees that it has not got all. Also for one that is gone. */
void http_exchange_cut(struct http_exchange *exchange);
/* The connection ends after this answer. */
void http_exchange_close(struct http_exchange *exchange);

C_DECLS_END

#endif /* SERVER_HTTP_EXCHANGE_H_ */
