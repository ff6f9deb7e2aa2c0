/* Addresses, and the connections that come by them. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "server/http_server_state.h"
#include "server/http_tls.h"

/* Accepted at one go, so that those who are there already are served in between. */
#define ACCEPTS_MAX 16

/* ---- connections ---- */

static void wait_for_room(struct http_server *server)
{
    server->is_full = true;
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].socket) {
            h2o_socket_read_stop(server->listeners[i].socket);
        }
    }
}

static void on_accept(h2o_socket_t *socket, const char *error);

static void accept_again(struct http_server *server)
{
    server->is_full = false;
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].socket) {
            h2o_socket_read_start(server->listeners[i].socket, on_accept);
        }
    }
}

static void forget(void *context)
{
    struct http_connection *connection = context;
    struct http_server *server = connection->server;

    *connection->place = connection->next;
    if (connection->next) {
        connection->next->place = connection->place;
    }
    server->connection_count--;
    free(connection);
}

/* libh2o tells of the end; false: no memory. */
static bool remember(struct http_server *server, h2o_socket_t *socket)
{
    struct http_connection *connection = calloc(1, sizeof *connection);

    if (!connection) {
        return false;
    }
    connection->server = server;
    connection->socket = socket;
    connection->next = server->connections;
    connection->place = &server->connections;
    if (connection->next) {
        connection->next->place = &connection->next;
    }
    server->connections = connection;
    server->connection_count++;
    socket->on_close.cb = forget;
    socket->on_close.data = connection;
    return true;
}

/* False: nobody waits, or there is no descriptor for who does. */
static bool accept_one(struct http_listener *listener)
{
    struct http_server *server = listener->server;
    h2o_socket_t *socket = h2o_evloop_socket_accept(listener->socket);

    if (!socket) {
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
            wait_for_room(server); /* until they are looked at again */
        }
        return false;
    }
    if (!remember(server, socket)) {
        h2o_socket_close(socket);
        return false;
    }
    listener->accepted.ssl_ctx = listener->tls ? http_tls_context(listener->tls) : NULL;
    h2o_accept(&listener->accepted, socket);
    return true;
}

static void on_accept(h2o_socket_t *socket, const char *error)
{
    struct http_listener *listener = socket->data;
    struct http_server *server = listener->server;

    if (error) {
        return;
    }
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        if (server->connection_count >= server->options.connections_max) {
            wait_for_room(server);
            return;
        }
        if (!accept_one(listener)) {
            return;
        }
    }
}

static void cut(const struct http_connection *connection)
{
    (void)shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR); /* libh2o sees its end and closes it */
}

void http_connections_look(struct http_server *server, int64_t now_ms)
{
    for (struct http_connection *connection = server->connections; connection; connection = connection->next) {
        h2o_socket_t *socket = connection->socket;

        if (!h2o_socket_is_writing(socket) || socket->bytes_written != connection->written) {
            connection->written = socket->bytes_written;
            connection->stuck_since_ms = now_ms;
        } else if (now_ms - connection->stuck_since_ms >= server->options.answer_ms) {
            cut(connection);
        }
    }
    if (server->is_full && server->connection_count < server->options.connections_max) {
        accept_again(server);
    }
}

void http_connections_cut(struct http_server *server)
{
    for (struct http_connection *connection = server->connections; connection; connection = connection->next) {
        cut(connection);
    }
}

/* ---- addresses ---- */

static int resolve(const struct listen_address *address, struct sockaddr_storage *ret_name, socklen_t *ret_size,
                   struct err *err)
{
    const char *colon = strrchr(address->target, ':');
    bool is_v6 = address->target[0] == '[';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[LISTEN_TARGET_BYTES];

    memset(ret_name, 0, sizeof *ret_name);
    if (address->path) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};

        snprintf(name.sun_path, sizeof name.sun_path, "%s", address->path);
        memcpy(ret_name, &name, sizeof name);
        *ret_size = sizeof name;
        return 0;
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - address->target) - 2 * is_v6, address->target + is_v6);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return err_set(err, ERR_INVALID, "%s is no address", address->target);
    }
    memcpy(ret_name, found->ai_addr, found->ai_addrlen);
    *ret_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int port_of(int file)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;

    if (getsockname(file, (struct sockaddr *)&name, &size) != 0) {
        return 0;
    }
    if (name.ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)&name)->sin_port);
    }
    return name.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&name)->sin6_port) : 1;
}

static int open_socket(const struct listen_address *address, int *ret_file, struct err *err)
{
    struct sockaddr_storage name;
    socklen_t size = 0;
    const int on = 1;
    int errno_value;
    int file;

    if (resolve(address, &name, &size, err)) {
        return -1;
    }
    file = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) {
        return err_set_errno(err, errno, "cannot make a socket for %s", address->target);
    }
    (void)setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(file, (const struct sockaddr *)&name, size) != 0 || listen(file, SOMAXCONN) != 0) {
        errno_value = errno;
        err_set_errno(err, errno_value, "cannot listen on %s", address->target);
        if (errno_value == EADDRINUSE) {
            err->code = ERR_IN_USE;
        }
        close(file);
        return -1;
    }
    *ret_file = file;
    return 0;
}

int http_server_listen(struct http_server *server, const struct listen_address *address, struct http_tls *tls,
                       int *ret_port, struct err *err)
{
    struct http_listener *listener = &server->listeners[server->listener_count];
    int file = -1;

    if (server->listener_count == LISTEN_ADDRESSES_MAX) {
        return err_set(err, ERR_EXHAUSTED, "%d addresses are the limit", LISTEN_ADDRESSES_MAX);
    }
    if (open_socket(address, &file, err)) {
        return -1;
    }
    *ret_port = port_of(file);
    *listener = (struct http_listener){.server = server, .tls = tls};
    listener->accepted.ctx = &server->context;
    listener->accepted.hosts = server->config.hosts;
    listener->socket = h2o_evloop_socket_create(server->context.loop, file, H2O_SOCKET_FLAG_DONT_READ);
    listener->socket->data = listener;
    h2o_socket_read_start(listener->socket, on_accept);
    server->listener_count++;
    return 0;
}

void http_listeners_close(struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].socket) {
            h2o_socket_close(server->listeners[i].socket);
            server->listeners[i].socket = NULL;
        }
    }
}
