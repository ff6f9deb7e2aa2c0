#include "server/http_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which we like them; each with its length before it. */
static const unsigned char protocols[] = "\2h2\10http/1.1";

struct http_tls {
    struct pem_watch watch;
    SSL_CTX *context;
};

static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_size,
                           const unsigned char *offered, unsigned int size, void *context)
{
    (void)ssl;
    (void)context;
    return SSL_select_next_proto((unsigned char **)ret_chosen, ret_size, protocols, sizeof protocols - 1, offered,
                                 size) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

/* The first certificate is the server's, those behind it lead to its authority. */
static bool use_chain(SSL_CTX *context, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
    bool good = cert && SSL_CTX_use_certificate(context, cert) == 1;

    X509_free(cert);
    while (good && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        good = SSL_CTX_add0_chain_cert(context, cert) == 1;
        if (!good) {
            X509_free(cert);
        }
    }
    ERR_clear_error(); /* the end of the text is one */
    BIO_free(bio);
    return good;
}

static bool use_key(SSL_CTX *context, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    bool good = key && SSL_CTX_use_PrivateKey(context, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

/* Clients have to show a certificate that one of these has signed. */
static bool use_authorities(SSL_CTX *context, const char *pem)
{
    static const unsigned char session_context[] = "customjobd";
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    bool good = bio != NULL;
    X509 *cert;

    while (good && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        good = X509_STORE_add_cert(store, cert) == 1 && SSL_CTX_add_client_CA(context, cert) == 1;
        X509_free(cert);
    }
    ERR_clear_error();
    BIO_free(bio);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return good && SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1) == 1;
}

/* NULL: memory, or what OpenSSL does not like in a pair that fits. */
static SSL_CTX *make_context(const struct pem_pair *pair)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context) {
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (!use_chain(context, pair->cert) || !use_key(context, pair->key) ||
        (pair->client_ca && !use_authorities(context, pair->client_ca))) {
        SSL_CTX_free(context);
        ERR_clear_error();
        return NULL;
    }
    return context;
}

int http_tls_create(const struct pem_watch_options *options, struct http_tls **ret_tls, struct err *err)
{
    struct http_tls *tls = calloc(1, sizeof *tls);

    if (!tls) {
        return err_set(err, ERR_EXHAUSTED, "no memory for credentials");
    }
    if (pem_watch_init(&tls->watch, options, err)) {
        http_tls_destroy(tls);
        return -1;
    }
    if (!http_tls_context(tls)) {
        http_tls_destroy(tls);
        return err_set(err, ERR_INVALID, "%s: OpenSSL does not take this certificate, its key or --client-ca",
                       options->cert_path);
    }
    *ret_tls = tls;
    return 0;
}

SSL_CTX *http_tls_context(struct http_tls *tls)
{
    struct pem_pair pair;

    if (pem_watch_take(&tls->watch, &pair)) {
        SSL_CTX *context = make_context(&pair);

        pem_pair_deinit(&pair);
        if (context) {
            SSL_CTX_free(tls->context); /* handshakes and connections hold it as long as they need it */
            tls->context = context;
        }
    }
    return tls->context;
}

void http_tls_destroy(struct http_tls *tls)
{
    if (tls) {
        SSL_CTX_free(tls->context);
        pem_watch_deinit(&tls->watch);
        free(tls);
    }
}
