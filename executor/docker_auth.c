#include "executor/docker_auth.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1024 * 1024)
#define HUB "index.docker.io"
#define REGISTRY_BYTES 256
/* Of a user and a password, or a token. */
#define SECRET_BYTES_MAX 16384

/* ---- which registry ---- */

static bool is_host(const char *text, size_t length)
{
    return memchr(text, '.', length) || memchr(text, ':', length) ||
           (length == strlen("localhost") && strncmp(text, "localhost", length) == 0);
}

static void registry_of(const char *image, char registry[REGISTRY_BYTES])
{
    size_t length = strcspn(image, "/");

    if (image[length] == '/' && length < REGISTRY_BYTES && is_host(image, length)) {
        memcpy(registry, image, length);
        registry[length] = '\0';
    } else {
        (void)snprintf(registry, REGISTRY_BYTES, "%s", HUB);
    }
    if (strcmp(registry, "docker.io") == 0) {
        (void)snprintf(registry, REGISTRY_BYTES, "%s", HUB);
    }
}

/* "https://index.docker.io/v1/" and "reg.example:5000" are both found. */
static bool names_registry(const char *key, const char *registry)
{
    const char *scheme = strstr(key, "://");
    const char *host = scheme ? scheme + 3 : key;
    size_t length = strcspn(host, "/");

    return length == strlen(registry) && strncmp(host, registry, length) == 0;
}

static const json_t *find(const json_t *object, const char *registry)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (names_registry(key, registry)) {
            return value;
        }
    }
    return NULL;
}

/* ---- the file ---- */

static int read_config(const char *path, json_t **ret_config, struct err *err)
{
    struct stat status;
    json_error_t error;
    json_t *config;

    *ret_config = NULL;
    if (stat(path, &status) != 0) {
        return errno == ENOENT ? 0 : err_set(err, ERR_DENIED, "cannot look at %s: %s", path, strerror(errno));
    }
    if (status.st_size > FILE_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "%s has more than %d bytes, the limit", path, FILE_BYTES_MAX);
    }
    if (access(path, R_OK) != 0) {
        return err_set(err, ERR_DENIED, "cannot read %s: %s", path, strerror(errno));
    }
    config = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!config) {
        return err_set(err, ERR_INVALID, "%s:%d: %s", path, error.line, error.text);
    }
    *ret_config = config;
    return 0;
}

/* ---- the header ---- */

/* Base64 as the engine takes it in a header: "-_" for "+/". */
static char *encode(const char *text)
{
    size_t size = strlen(text);
    char *encoded = malloc(4 * (size / 3 + 1) + 1);

    if (!encoded) {
        return NULL;
    }
    (void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)size);
    for (char *at = encoded; *at; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    return encoded;
}

/* "auth": base64 of USER:PASSWORD. The name and the password are cut out of text, which has the room. */
static bool split_auth(const char *auth, char text[SECRET_BYTES_MAX], const char **ret_user, const char **ret_password)
{
    size_t length = strlen(auth);
    int size;
    char *colon;

    if (length == 0 || length % 4 != 0 || length / 4 * 3 >= SECRET_BYTES_MAX) {
        return false;
    }
    size = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)auth, (int)length);
    if (size < 0) {
        return false;
    }
    size -= auth[length - 1] == '=' ? auth[length - 2] == '=' ? 2 : 1 : 0;
    text[size] = '\0';
    colon = strchr(text, ':');
    if (!colon) {
        return false;
    }
    *colon = '\0';
    *ret_user = text;
    *ret_password = colon + 1;
    return true;
}

static const char *text_of(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text ? text : "";
}

static json_t *credentials_of(const json_t *entry, const char *registry, char text[SECRET_BYTES_MAX])
{
    const char *user = text_of(entry, "username"), *password = text_of(entry, "password");

    if (text_of(entry, "identitytoken")[0]) {
        return json_pack("{s:s, s:s}", "identitytoken", text_of(entry, "identitytoken"), "serveraddress", registry);
    }
    if (text_of(entry, "registrytoken")[0]) {
        return json_pack("{s:s, s:s}", "registrytoken", text_of(entry, "registrytoken"), "serveraddress", registry);
    }
    if (!user[0] && !split_auth(text_of(entry, "auth"), text, &user, &password)) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s}", "username", user, "password", password, "serveraddress", registry);
}

static int make_header(const char *path, const json_t *entry, const char *registry, char **ret_header, struct err *err)
{
    char *text = calloc(1, SECRET_BYTES_MAX);
    json_t *credentials = text ? credentials_of(entry, registry, text) : NULL;
    char *plain = credentials ? json_dumps(credentials, JSON_COMPACT) : NULL;
    char *header = plain ? encode(plain) : NULL;
    bool is_known = credentials != NULL;
    bool had_memory = text != NULL;

    json_decref(credentials);
    free(plain);
    free(text);
    if (!had_memory || (is_known && !header)) {
        return err_set(err, ERR_EXHAUSTED, "no memory for credentials");
    }
    if (!is_known) {
        return err_set(err, ERR_INVALID, "%s: what stands there for %s is neither auth nor a token", path, registry);
    }
    *ret_header = header;
    return 0;
}

int docker_auth_header(const char *path, const char *image, char **ret_header, struct err *err)
{
    char registry[REGISTRY_BYTES];
    const char *helper;
    const json_t *entry;
    json_t *config = NULL;
    int result = 0;

    *ret_header = NULL;
    if (!path) {
        return 0;
    }
    if (read_config(path, &config, err) != 0) {
        return -1;
    }
    registry_of(image, registry);
    entry = find(json_object_get(config, "auths"), registry);
    helper = json_string_value(find(json_object_get(config, "credHelpers"), registry));
    helper = helper ? helper : json_object_size(entry) == 0 && entry ? text_of(config, "credsStore") : NULL;
    if (helper && helper[0]) {
        result = err_set(err, ERR_UNSUPPORTED,
                         "%s leaves the credentials of %s to docker-credential-%s, which is not asked; pull the image "
                         "with docker before, or log in without a helper",
                         path, registry, helper);
    } else if (entry) {
        result = make_header(path, entry, registry, ret_header, err);
    }
    json_decref(config);
    return result;
}
