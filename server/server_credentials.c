#include "server/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/pem_pair.h"

#define FILES 3

/* Another one after every way of replacing a file. */
struct stamp {
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct server_credentials {
    struct server_credentials_options options;
    char *paths[FILES]; /* cert, key, client CA or NULL */
    struct grpc_server_credentials *grpc;
    pthread_mutex_t lock; /* handshakes come on several threads */
    struct stamp stamps[FILES];
    bool has_fetched;
};

/* Zero for a file that is not there. */
static void read_stamps(const struct server_credentials *credentials, struct stamp stamps[FILES])
{
    memset(stamps, 0, FILES * sizeof stamps[0]);
    for (size_t i = 0; i < FILES; i++) {
        struct stat status;

        if (credentials->paths[i] && stat(credentials->paths[i], &status) == 0) {
            stamps[i].inode = status.st_ino;
            stamps[i].size = status.st_size;
            stamps[i].changed = status.st_ctim;
        }
    }
}

static void say(const struct server_credentials *credentials, const char *line)
{
    if (credentials->options.log) {
        credentials->options.log(credentials->options.context, line);
    }
}

static grpc_ssl_server_certificate_config *read_config(struct server_credentials *credentials)
{
    grpc_ssl_server_certificate_config *config = NULL;
    struct pem_pair pair;
    struct err err = ERR_INIT;
    char line[ERR_TEXT_BYTES + 128];

    if (pem_pair_read(credentials->paths[0], credentials->paths[1], credentials->paths[2], &pair, &err)) {
        snprintf(line, sizeof line, "TLS: %s; the certificate before is served on", err.text);
    } else {
        grpc_ssl_pem_key_cert_pair texts = {.private_key = pair.key, .cert_chain = pair.cert};

        /* Core wants authorities here even where no client is asked for a certificate, and then does not use them. */
        config = grpc_ssl_server_certificate_config_create(pair.client_ca ? pair.client_ca : pair.cert, &texts, 1);
        snprintf(line, sizeof line, "TLS: serving %s, which expires %s", credentials->paths[0], pair.expires);
        pem_pair_deinit(&pair);
    }
    say(credentials, line);
    return config;
}

/* Called by core before each handshake. */
static grpc_ssl_certificate_config_reload_status fetch(void *context, grpc_ssl_server_certificate_config **ret_config)
{
    struct server_credentials *credentials = context;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    struct stamp stamps[FILES];

    pthread_mutex_lock(&credentials->lock);
    read_stamps(credentials, stamps);
    if (!credentials->has_fetched || memcmp(stamps, credentials->stamps, sizeof stamps) != 0) {
        grpc_ssl_server_certificate_config *config = read_config(credentials);

        memcpy(credentials->stamps, stamps, sizeof stamps);
        if (config) {
            *ret_config = config;
            status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
            credentials->has_fetched = true;
        }
    }
    pthread_mutex_unlock(&credentials->lock);
    return status;
}

static int make_tls(struct server_credentials *credentials, struct err *err)
{
    const struct server_credentials_options *options = &credentials->options;
    struct pem_pair pair;
    grpc_ssl_server_credentials_options *made;

    /* Here is somebody to tell; when core asks, there is none. */
    if (pem_pair_read(options->cert_path, options->key_path, options->client_ca_path, &pair, err)) {
        return -1;
    }
    pem_pair_deinit(&pair);
    made = grpc_ssl_server_credentials_create_options_using_config_fetcher(
        options->client_ca_path ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        fetch, credentials);
    credentials->grpc = grpc_ssl_server_credentials_create_with_options(made);
    return credentials->grpc ? 0 : err_set(err, ERR_INTERNAL, "the TLS credentials cannot be made");
}

static int copy_paths(struct server_credentials *credentials, struct err *err)
{
    const char *const paths[FILES] = {credentials->options.cert_path, credentials->options.key_path,
                                      credentials->options.client_ca_path};

    for (size_t i = 0; i < FILES; i++) {
        credentials->paths[i] = paths[i] ? strdup(paths[i]) : NULL;
        if (paths[i] && !credentials->paths[i]) {
            return err_set(err, ERR_EXHAUSTED, "no memory for credentials");
        }
    }
    return 0;
}

int server_credentials_create(const struct server_credentials_options *options,
                              struct server_credentials **ret_credentials, struct err *err)
{
    struct server_credentials *credentials = calloc(1, sizeof *credentials);

    if (!credentials) {
        return err_set(err, ERR_EXHAUSTED, "no memory for credentials");
    }
    credentials->options = *options;
    pthread_mutex_init(&credentials->lock, NULL);
    grpc_init();
    if (options->cert_path) {
        if (copy_paths(credentials, err) || make_tls(credentials, err)) {
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
    for (size_t i = 0; i < FILES; i++) {
        free(credentials->paths[i]);
    }
    grpc_shutdown();
    pthread_mutex_destroy(&credentials->lock);
    free(credentials);
}
