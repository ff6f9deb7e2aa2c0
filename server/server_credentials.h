/* server_credentials: what a listening address is guarded by: nothing, TLS, or TLS with client certificates.
 *
 * Used by   main_serve.c; each address has its own.
 * Shape     PEM files, looked at before each handshake and read anew when one of them has changed: a renewed certificate is
 *           taken without a restart. Files that do not fit each other, as in the middle of a renewal, are told once and
 *           the pair before stays.
 * Owns      the transport's credentials, and copies of the paths.
 * Thread    create and destroy from one thread, destroy after the server's; handshakes come on any.
 * Blocks    on the files.
 * Errors    ERR_INVALID with the file and what is wrong with it; ERR_IO when it cannot be read.
 * Source    tried with C-core 1.51: the config fetcher keeps serving where the file watcher fails closed.
 */
#ifndef SERVER_SERVER_CREDENTIALS_H_
#define SERVER_SERVER_CREDENTIALS_H_

#include "base/err.h"

C_DECLS_BEGIN

struct grpc_server_credentials;
struct server_credentials;

#define CREDENTIALS_FILE_BYTES_MAX (1024 * 1024)

struct server_credentials_options {
    const char *cert_path; /* NULL: no TLS, and nothing else counts */
    const char *key_path;
    const char *client_ca_path;                   /* NULL: clients need no certificate */
    void (*log)(void *context, const char *line); /* what became of a renewal; any thread */
    void *context;
};

MUST_USE int server_credentials_create(const struct server_credentials_options *options,
                                       struct server_credentials **ret_credentials, struct err *err);
struct grpc_server_credentials *server_credentials_grpc(const struct server_credentials *credentials);
/* NULL is allowed. */
void server_credentials_destroy(struct server_credentials *credentials);

C_DECLS_END

#endif /* SERVER_SERVER_CREDENTIALS_H_ */
