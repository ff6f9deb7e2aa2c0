#include "server/listen_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"

#define HOST_BYTES 256
#define UNIX_PATH_BYTES_MAX (sizeof((struct sockaddr_un *)0)->sun_path - 1)

/* ---- reading ---- */

static int fail_form(struct err *err, const char *text)
{
    return err_set(err, ERR_INVALID, "'%s' is no address; write it as 127.0.0.1:8080, [::1]:8080 or unix:/run/x.sock",
                   text);
}

static int parse_unix(const char *text, const char *path, struct listen_address *ret_address, struct err *err)
{
    struct listen_address address = {.is_loopback = true};

    if (strncmp(path, "//", 2) == 0) {
        path += 2; /* unix:///run/x, as clients also write it */
        if (path[0] != '/') {
            return fail_form(err, text);
        }
    }
    if (path[0] == '\0') {
        return fail_form(err, text);
    }
    if (strlen(path) > UNIX_PATH_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "the path has %zu bytes, a unix socket's has %zu at most", strlen(path),
                       UNIX_PATH_BYTES_MAX);
    }
    snprintf(address.target, sizeof address.target, "unix:%s", path);
    address.path = path;
    *ret_address = address;
    return 0;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    char *end;
    unsigned long port;

    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    port = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || port > UINT16_MAX) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

static void set_v4(struct listen_address *address, const struct in_addr *ip)
{
    char text[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, ip, text, sizeof text);
    snprintf(address->target, sizeof address->target, "%s:%u", text, address->port);
    address->is_loopback = ntohl(ip->s_addr) >> 24 == IN_LOOPBACKNET;
}

static void set_v6(struct listen_address *address, const struct in6_addr *ip)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, ip, text, sizeof text);
    snprintf(address->target, sizeof address->target, "[%s]:%u", text, address->port);
    address->is_loopback = IN6_IS_ADDR_LOOPBACK(ip) || (IN6_IS_ADDR_V4MAPPED(ip) && ip->s6_addr[12] == IN_LOOPBACKNET);
}

static int resolve(const char *host, struct listen_address *address, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host, NULL, &hints, &found);

    if (failure != 0) {
        return err_set(err, ERR_INVALID, "the host '%s' is not known: %s", host, gai_strerror(failure));
    }
    if (found->ai_family == AF_INET) {
        struct sockaddr_in ip;

        memcpy(&ip, found->ai_addr, sizeof ip);
        set_v4(address, &ip.sin_addr);
    } else {
        struct sockaddr_in6 ip;

        memcpy(&ip, found->ai_addr, sizeof ip);
        set_v6(address, &ip.sin6_addr);
    }
    freeaddrinfo(found);
    return 0;
}

static int parse_v6(const char *text, struct listen_address *address, struct err *err)
{
    const char *end = strchr(text, ']');
    char host[HOST_BYTES];
    struct in6_addr ip;

    if (!end || end[1] != ':' || (size_t)(end - text) > sizeof host || !parse_port(end + 2, &address->port)) {
        return fail_form(err, text);
    }
    snprintf(host, sizeof host, "%.*s", (int)(end - text - 1), text + 1);
    if (inet_pton(AF_INET6, host, &ip) != 1) {
        return err_set(err, ERR_INVALID, "'%s' is no IPv6 address", host);
    }
    set_v6(address, &ip);
    return 0;
}

static int parse_host(const char *text, struct listen_address *address, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char host[HOST_BYTES];
    struct in_addr ip;

    if (!colon || colon == text || (size_t)(colon - text) >= sizeof host || !parse_port(colon + 1, &address->port)) {
        return fail_form(err, text);
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (strchr(host, ':') || strchr(host, '/')) {
        return fail_form(err, text); /* an IPv6 address without its brackets; a path; a URL */
    }
    if (strcmp(host, "localhost") == 0) {
        snprintf(host, sizeof host, "127.0.0.1");
    }
    if (strcmp(host, "*") == 0) {
        return err_set(err, ERR_INVALID, "'%s': every address of this host is 0.0.0.0:%u or [::]:%u", text,
                       address->port, address->port);
    }
    if (inet_pton(AF_INET, host, &ip) != 1) {
        return resolve(host, address, err);
    }
    set_v4(address, &ip);
    return 0;
}

int listen_address_parse(const char *text, struct listen_address *ret_address, struct err *err)
{
    struct listen_address address = {.is_loopback = false};

    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(text, text + 5, ret_address, err);
    }
    if (text[0] == '[' ? parse_v6(text, &address, err) : parse_host(text, &address, err)) {
        return -1;
    }
    *ret_address = address;
    return 0;
}

void listen_address_format(const struct listen_address *address, int port, char text[LISTEN_TARGET_BYTES])
{
    size_t host_size = strlen(address->target);

    if (!address->path) {
        host_size = (size_t)(strrchr(address->target, ':') - address->target);
    }
    memcpy(text, address->target, host_size);
    text[host_size] = '\0';
    if (!address->path) {
        snprintf(text + host_size, LISTEN_TARGET_BYTES - host_size, ":%d", port);
    }
}

static int check_guarded(const struct listen_address *address, const struct listen_rules *rules, struct err *err)
{
    if (address->is_loopback || rules->insecure_bind || (rules->has_tls && rules->has_client_ca)) {
        return 0;
    }
    return err_set(err, ERR_DENIED,
                   "other hosts can reach it, and whoever does runs programs here: give %s, so that only clients with "
                   "a certificate get in, or --insecure-bind if everybody there is trusted",
                   rules->has_tls ? "--client-ca" : "--tls-cert, --tls-key and --client-ca");
}

bool listen_address_equal(const struct listen_address *left, const struct listen_address *right)
{
    return strcmp(left->target, right->target) == 0 && (left->path || left->port);
}

int listen_address_parse_all(const char *flag, const char *const *texts, size_t count, const struct listen_rules *rules,
                             struct listen_address *addresses, struct err *err)
{
    if (count > LISTEN_ADDRESSES_MAX) {
        return err_set(err, ERR_INVALID, "%s: %zu addresses, the limit is %d", flag, count, LISTEN_ADDRESSES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (listen_address_parse(texts[i], &addresses[i], err) || check_guarded(&addresses[i], rules, err)) {
            return err_wrap(err, "%s %s", flag, texts[i]);
        }
        for (size_t j = 0; j < i; j++) {
            if (listen_address_equal(&addresses[i], &addresses[j])) {
                return err_set(err, ERR_INVALID, "%s %s: given twice", flag, texts[i]);
            }
        }
    }
    return 0;
}

/* ---- unix sockets ---- */

static int fail_socket(struct err *err, int errno_value, const char *verb, const char *path)
{
    return err_set_errno(err, errno_value, "cannot %s the socket %s", verb, path);
}

/* Whether somebody who does not know of our lock files accepts connections there. */
static int is_served(const char *path, bool *ret_is_served, struct err *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int errno_value;

    if (probe < 0) {
        return fail_socket(err, errno, "try", path);
    }
    memcpy(name.sun_path, path, strlen(path) + 1);
    errno_value = connect(probe, (const struct sockaddr *)&name, sizeof name) == 0 ? 0 : errno;
    close(probe);
    /* EAGAIN: its queue is full, so that there is one. */
    *ret_is_served = errno_value == 0 || errno_value == EAGAIN;
    if (errno_value != 0 && errno_value != EAGAIN && errno_value != ECONNREFUSED && errno_value != ENOENT) {
        return fail_socket(err, errno_value, "try", path);
    }
    return 0;
}

static int clear_path(const char *path, struct err *err)
{
    struct stat status;
    bool served = false;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : fail_socket(err, errno, "look at", path);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return err_set(err, ERR_IN_USE, "%s is there and is no socket", path);
    }
    if (is_served(path, &served, err)) {
        return -1;
    }
    if (served) {
        return err_set(err, ERR_IN_USE, "another process serves on %s", path);
    }
    return unlink(path) == 0 || errno == ENOENT ? 0 : fail_socket(err, errno, "remove", path);
}

int listen_address_claim(const struct listen_address *address, struct listen_claim *ret_claim, struct err *err)
{
    struct listen_claim claim = {.path = address->path, .lock_file = -1};
    char lock_path[LISTEN_TARGET_BYTES + 8];
    const struct fs *fs = fs_system();

    if (claim.path) {
        snprintf(lock_path, sizeof lock_path, "%s.lock", claim.path);
        if (fs->lock(fs, lock_path, &claim.lock_file, err)) {
            return -1;
        }
        if (clear_path(claim.path, err)) {
            fs->close(fs, claim.lock_file);
            return -1;
        }
    }
    *ret_claim = claim;
    return 0;
}

void listen_claim_release(struct listen_claim *claim)
{
    const struct fs *fs = fs_system();

    if (claim->path) {
        unlink(claim->path);
        fs->close(fs, claim->lock_file);
    }
    *claim = (struct listen_claim){.lock_file = -1};
}
