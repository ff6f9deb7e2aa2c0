#include "server/pem_pair.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/server_credentials.h"

static int read_file(const char *path, char **ret_text, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t size;
    int result = 0;

    if (!file) {
        return err_set_errno(err, errno, "cannot open %s", path);
    }
    text = malloc(CREDENTIALS_FILE_BYTES_MAX + 1);
    if (!text) {
        fclose(file);
        return err_set(err, ERR_EXHAUSTED, "no memory to read %s", path);
    }
    errno = 0;
    size = fread(text, 1, CREDENTIALS_FILE_BYTES_MAX + 1, file);
    if (ferror(file)) {
        result = err_set_errno(err, errno, "cannot read %s", path);
    } else if (size > CREDENTIALS_FILE_BYTES_MAX) {
        result = err_set(err, ERR_INVALID, "%s has more than %d bytes, the limit", path, CREDENTIALS_FILE_BYTES_MAX);
    } else if (memchr(text, 0, size)) {
        result = err_set(err, ERR_INVALID, "%s is no PEM file: it has a NUL character", path);
    } else {
        text[size] = '\0';
    }
    fclose(file);
    if (result) {
        free(text);
        return result;
    }
    *ret_text = text;
    return 0;
}

/* Every certificate of the text is read; the first one is given back. NULL: there is none, or one is broken. */
static X509 *read_certificates(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *first = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    X509 *next = first;

    while (next) {
        next = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        X509_free(next == first ? NULL : next);
    }
    if (first && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        X509_free(first);
        first = NULL;
    }
    ERR_clear_error();
    BIO_free(bio);
    return first;
}

/* There is nobody to ask for a passphrase. */
static int no_passphrase(char *buffer, int size, int writes, void *context)
{
    (void)buffer;
    (void)size;
    (void)writes;
    *(int *)context = 1;
    return -1;
}

static EVP_PKEY *read_key(const char *text, const char *path, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    int wants_passphrase = 0;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &wants_passphrase) : NULL;

    ERR_clear_error();
    BIO_free(bio);
    if (!key) {
        err_set(err, ERR_INVALID,
                wants_passphrase ? "%s is a key with a passphrase; a server needs one without"
                                 : "%s holds no private key in PEM form",
                path);
    }
    return key;
}

static void print_expiry(const X509 *cert, char *text, size_t text_bytes)
{
    struct tm when = {0};

    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &when) != 1 ||
        strftime(text, text_bytes, "%Y-%m-%d %H:%M UTC", &when) == 0) {
        snprintf(text, text_bytes, "an unknown time");
    }
}

static int check_pair(const struct pem_pair *pair, const char *cert_path, const char *key_path, char *expires,
                      size_t expires_bytes, struct err *err)
{
    X509 *cert = read_certificates(pair->cert);
    EVP_PKEY *key = NULL;
    int result = 0;

    if (!cert) {
        return err_set(err, ERR_INVALID, "%s holds no certificate in PEM form, or a broken one", cert_path);
    }
    key = read_key(pair->key, key_path, err);
    if (!key) {
        result = -1;
    } else if (X509_check_private_key(cert, key) != 1) {
        result = err_set(err, ERR_INVALID, "the key %s is not the one of the certificate %s", key_path, cert_path);
    } else {
        print_expiry(cert, expires, expires_bytes);
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    return result;
}

static int check_authorities(const struct pem_pair *pair, const char *path, struct err *err)
{
    X509 *first = read_certificates(pair->client_ca);

    if (!first) {
        return err_set(err, ERR_INVALID, "%s holds no certificate in PEM form, or a broken one", path);
    }
    X509_free(first);
    return 0;
}

int pem_pair_read(const char *cert_path, const char *key_path, const char *client_ca_path, struct pem_pair *ret_pair,
                  struct err *err)
{
    struct pem_pair pair = {.cert = NULL};

    if (read_file(cert_path, &pair.cert, err) || read_file(key_path, &pair.key, err) ||
        (client_ca_path && read_file(client_ca_path, &pair.client_ca, err)) ||
        check_pair(&pair, cert_path, key_path, pair.expires, sizeof pair.expires, err) ||
        (client_ca_path && check_authorities(&pair, client_ca_path, err))) {
        pem_pair_deinit(&pair);
        return -1;
    }
    *ret_pair = pair;
    return 0;
}

void pem_pair_deinit(struct pem_pair *pair)
{
    if (pair->key) {
        explicit_bzero(pair->key, strlen(pair->key));
    }
    free(pair->key);
    free(pair->cert);
    free(pair->client_ca);
    *pair = (struct pem_pair){.cert = NULL};
}
