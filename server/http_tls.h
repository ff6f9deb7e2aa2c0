/* http_tls: what an HTTP address is guarded by: a certificate, and perhaps an authority that clients' must be signed by.
 *
 * Used by   main_listen.c makes it, http_listener.c asks it for each connection.
 * Shape     the files of server_credentials, watched alike: looked at before each handshake, read anew when one of them has
 *           changed; files that do not fit each other are told once and the pair before stays. TLS 1.2 and 1.3; ALPN h2,
 *           then http/1.1.
 * Owns      the context of OpenSSL, and copies of the paths.
 * Thread    create and destroy from one thread, the rest on the HTTP thread.
 * Blocks    on the files.
 * Errors    ERR_INVALID with the file and what is wrong with it; ERR_IO when it cannot be read.
 */
#ifndef SERVER_HTTP_TLS_H_
#define SERVER_HTTP_TLS_H_

#include "base/err.h"
#include "server/pem_watch.h"

C_DECLS_BEGIN

struct http_tls;
struct ssl_ctx_st;

MUST_USE int http_tls_create(const struct pem_watch_options *options, struct http_tls **ret_tls, struct err *err);
/* For the next handshake; stays the tls's. */
struct ssl_ctx_st *http_tls_context(struct http_tls *tls);
/* NULL is allowed. */
void http_tls_destroy(struct http_tls *tls);

C_DECLS_END

#endif /* SERVER_HTTP_TLS_H_ */
