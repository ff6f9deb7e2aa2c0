#include "seal/seal_box.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <pthread.h>

#define NONCE_BYTES 12
/* Room for some thousand keys; what does not fit lies in plain memory. */
#define SECURE_HEAP_BYTES (512 * 1024)

struct seal_box {
    EVP_CIPHER_CTX *seals;
    EVP_CIPHER_CTX *opens;
};

/* Looked up once: OpenSSL takes longer to find them than to use them. */
static EVP_CIPHER *cipher;
static EVP_KDF *hkdf;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void look_up(void)
{
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    /* Where memory may not be locked the heap is there all the same. */
    (void)CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SEAL_KEY_BYTES);
}

static int check_library(struct err *err)
{
    pthread_once(&once, look_up);
    return cipher && hkdf ? 0 : err_set(err, ERR_INTERNAL, "the OpenSSL of this host has no AES-256-GCM or no HKDF");
}

static int refused(const char *what, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "OpenSSL could not %s", what);
}

/* ---- the box ---- */

int seal_box_create(const uint8_t *key, struct seal_box **ret_box, struct err *err)
{
    struct seal_box *box;

    if (check_library(err) != 0) {
        return -1;
    }
    box = calloc(1, sizeof *box);
    if (box) {
        box->seals = EVP_CIPHER_CTX_new();
        box->opens = EVP_CIPHER_CTX_new();
    }
    if (!box || !box->seals || !box->opens) {
        seal_box_destroy(box);
        return err_set(err, ERR_EXHAUSTED, "no memory for a key");
    }
    if (EVP_EncryptInit_ex2(box->seals, cipher, key, NULL, NULL) != 1 ||
        EVP_DecryptInit_ex2(box->opens, cipher, key, NULL, NULL) != 1) {
        seal_box_destroy(box);
        return refused("take a key", err);
    }
    *ret_box = box;
    return 0;
}

void seal_box_destroy(struct seal_box *box)
{
    if (box) {
        /* They wipe what they hold. */
        EVP_CIPHER_CTX_free(box->seals);
        EVP_CIPHER_CTX_free(box->opens);
        free(box);
    }
}

static void set_nonce(uint64_t number, uint8_t nonce[NONCE_BYTES])
{
    memset(nonce, 0, NONCE_BYTES);
    for (int i = 0; i < 8; i++) {
        nonce[4 + i] = (uint8_t)(number >> 8 * i);
    }
}

int seal_box_seal(struct seal_box *box, uint64_t number, struct span context, struct span plain, void *sealed,
                  struct err *err)
{
    uint8_t nonce[NONCE_BYTES], *out = sealed;
    int size = 0;

    if (plain.size > INT_MAX || context.size > INT_MAX) {
        return err_set(err, ERR_EXHAUSTED, "%zu bytes are too many to seal at once", plain.size);
    }
    set_nonce(number, nonce);
    if (EVP_EncryptInit_ex2(box->seals, NULL, NULL, nonce, NULL) != 1 ||
        EVP_EncryptUpdate(box->seals, NULL, &size, (const uint8_t *)context.data, (int)context.size) != 1 ||
        EVP_EncryptUpdate(box->seals, out, &size, (const uint8_t *)plain.data, (int)plain.size) != 1 ||
        EVP_EncryptFinal_ex(box->seals, out + plain.size, &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(box->seals, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, out + plain.size) != 1) {
        return refused("seal", err);
    }
    return 0;
}

int seal_box_open(struct seal_box *box, uint64_t number, struct span context, struct span sealed, void *plain,
                  struct err *err)
{
    uint8_t nonce[NONCE_BYTES], tag[SEAL_TAG_BYTES], *out = plain;
    size_t plain_size = sealed.size - SEAL_TAG_BYTES;
    int size = 0;

    if (sealed.size < SEAL_TAG_BYTES || sealed.size > INT_MAX || context.size > INT_MAX) {
        return err_set(err, ERR_DENIED, "%zu bytes are no sealed ones", sealed.size);
    }
    set_nonce(number, nonce);
    memcpy(tag, sealed.data + plain_size, sizeof tag);
    if (EVP_DecryptInit_ex2(box->opens, NULL, NULL, nonce, NULL) != 1 ||
        EVP_DecryptUpdate(box->opens, NULL, &size, (const uint8_t *)context.data, (int)context.size) != 1 ||
        EVP_DecryptUpdate(box->opens, out, &size, (const uint8_t *)sealed.data, (int)plain_size) != 1 ||
        EVP_CIPHER_CTX_ctrl(box->opens, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) != 1) {
        return refused("open what is sealed", err);
    }
    if (EVP_DecryptFinal_ex(box->opens, out + plain_size, &size) != 1) {
        return err_set(err, ERR_DENIED, "the tag does not hold");
    }
    return 0;
}

/* ---- keys of keys ---- */

int seal_derive(const uint8_t *key, struct span salt, const char *purpose, void *bytes, size_t size, struct err *err)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[5] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, SEAL_KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)purpose, strlen(purpose)),
        OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    EVP_KDF_CTX *context;
    int result;

    if (check_library(err) != 0) {
        return -1;
    }
    if (salt.size > 0) {
        params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.data, salt.size);
    }
    context = EVP_KDF_CTX_new(hkdf);
    if (!context) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a key");
    }
    result = EVP_KDF_derive(context, bytes, size, params) == 1 ? 0 : refused("derive a key", err);
    EVP_KDF_CTX_free(context);
    return result;
}

int seal_random(void *bytes, size_t size, struct err *err)
{
    return RAND_priv_bytes(bytes, (int)size) == 1 ? 0 : refused("give random bytes", err);
}

/* ---- secrets ---- */

int seal_secret_alloc(uint8_t **ret_secret, struct err *err)
{
    uint8_t *secret;

    if (check_library(err) != 0) {
        return -1;
    }
    secret = OPENSSL_secure_zalloc(SEAL_KEY_BYTES);
    if (!secret) {
        /* The heap is full. */
        secret = OPENSSL_zalloc(SEAL_KEY_BYTES);
    }
    if (!secret) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a key");
    }
    *ret_secret = secret;
    return 0;
}

void seal_secret_free(uint8_t *secret)
{
    /* Knows from which heap it came. */
    OPENSSL_secure_clear_free(secret, SEAL_KEY_BYTES);
}

void seal_wipe(void *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
}
