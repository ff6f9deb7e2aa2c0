#include "server/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdlib.h>

#include "server/pem_watch.h"

struct server_credentials {
    struct grpc_server_credentials *grpc;
    pthread_mutex_t lock; /* handshakes come on several threads */
    struct pem_watch watch;
};

/* Called by core before each handshake. */
static grpc_ssl_certificate_config_reload_status fetch(void *context, grpc_ssl_server_certificate_config **ret_config)
{
    struct server_credentials *credentials = context;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    struct pem_pair pair;

    pthread_mutex_lock(&credentials->lock);
    if (pem_watch_take(&credentials->watch, &pair)) {
        grpc_ssl_pem_key_cert_pair texts = {.private_key = pair.key, .cert_chain = pair.cert};

        /* Core wants authorities here even where no client is asked for a certificate, and then does not use them. */
        *ret_config = grpc_ssl_server_certificate_config_create(pair.client_ca ? pair.client_ca : pair.cert, &texts, 1);
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
        pem_pair_deinit(&pair);
    }
    pthread_mutex_unlock(&credentials->lock);
    return status;
}

static int make_tls(struct server_credentials *credentials, const struct server_credentials_options *options,
                    struct err *err)
{
    const struct pem_watch_options files = {.cert_path = options->cert_path,
                                            .key_path = options->key_path,
                                            .client_ca_path = options->client_ca_path,
                                            .log = options->log,
                                            .context = options->context};
    grpc_ssl_server_credentials_options *made;

    if (pem_watch_init(&credentials->watch, &files, err)) {
        return -1;
    }
    made = grpc_ssl_server_credentials_create_options_using_config_fetcher(
        options->client_ca_path ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        fetch, credentials);
    credentials->grpc = grpc_ssl_server_credentials_create_with_options(made);
    return credentials->grpc ? 0 : err_set(err, ERR_INTERNAL, "the TLS credentials cannot be made");
}

int server_credentials_create(const struct server_credentials_options *options,
                              struct server_credentials **ret_credentials, struct err *err)
{
    struct server_credentials *credentials = calloc(1, sizeof *credentials);

    if (!credentials) {
        return err_set(err, ERR_EXHAUSTED, "no memory for credentials");
    }
    pthread_mutex_init(&credentials->lock, NULL);
    grpc_init();
    if (options->cert_path) {
        if (make_tls(credentials, options, err)) {
            server_credentials_destroy(credentials);
            return -1;
        }
    } else {
        credentials->grpc = grpc_insecure_server_credentials_create();
    }
    *ret_credentials = credentials;
    return 0;
}

struct grpc_server_credentials *server_credentials_grpc(const struct server_credentials *credentials)
{
    return credentials->grpc;
}

void server_credentials_destroy(struct server_credentials *credentials)
{
    if (!credentials) {
        return;
    }
    if (credentials->grpc) {
        grpc_server_credentials_release(credentials->grpc);
    }
    pem_watch_deinit(&credentials->watch);
    grpc_shutdown();
    pthread_mutex_destroy(&credentials->lock);
    free(credentials);
}
