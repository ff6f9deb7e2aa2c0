#include "server/main_listen.h"

#include <errno.h>
#include <stdio.h>

#include "server/http_server.h"
#include "server/http_tls.h"
#include "server/main_log.h"
#include "server/rpc_server.h"
#include "server/server_credentials.h"

/* ---- reading ---- */

static int open_grpc(const struct config *config, struct main_listen *listen, struct err *err)
{
    for (size_t i = 0; i < listen->grpc.count; i++) {
        struct server_credentials_options options = {.log = main_log_line};

        if (!listen->grpc.addresses[i].path) { /* who may open a socket's file is said by the file system */
            options.cert_path = config->tls_cert;
            options.key_path = config->tls_key;
            options.client_ca_path = config->client_ca;
        }
        if (server_credentials_create(&options, &listen->credentials[i], err)) {
            return -1;
        }
    }
    return 0;
}

static int open_http(const struct config *config, struct main_listen *listen, struct err *err)
{
    const struct pem_watch_options options = {.cert_path = config->tls_cert,
                                              .key_path = config->tls_key,
                                              .client_ca_path = config->client_ca,
                                              .log = main_log_line};

    for (size_t i = 0; config->tls_cert && i < listen->http.count; i++) {
        if (!listen->http.addresses[i].path && http_tls_create(&options, &listen->tls[i], err)) {
            return -1;
        }
    }
    return 0;
}

static int parse(const char *flag, const struct config_list *texts, const struct config *config,
                 struct main_listen_set *set, struct err *err)
{
    struct listen_rules rules = {.insecure_bind = config->insecure_bind,
                                 .has_tls = config->tls_cert != NULL,
                                 .has_client_ca = config->client_ca != NULL};

    if (listen_address_parse_all(flag, texts->items, texts->count, &rules, set->addresses, err)) {
        return -1;
    }
    set->count = texts->count;
    return 0;
}

/* gRPC and HTTP cannot share one; unix sockets would take it from each other. */
static int check_apart(const struct main_listen *listen, const struct config *config, struct err *err)
{
    for (size_t i = 0; i < listen->http.count; i++) {
        for (size_t j = 0; j < listen->grpc.count; j++) {
            if (listen_address_equal(&listen->http.addresses[i], &listen->grpc.addresses[j])) {
                return err_set(err, ERR_INVALID, "--http-listen %s: --listen has that address",
                               config->http_listen.items[i]);
            }
        }
    }
    return 0;
}

int main_listen_open(const struct config *config, struct main_listen *listen, struct err *err)
{
    return parse("--listen", &config->listen, config, &listen->grpc, err) ||
                   parse("--http-listen", &config->http_listen, config, &listen->http, err) ||
                   check_apart(listen, config, err) || open_grpc(config, listen, err) || open_http(config, listen, err)
               ? -1
               : 0;
}

/* ---- taking ---- */

static int claim(struct main_listen_set *set, size_t i, struct err *err)
{
    if (listen_address_claim(&set->addresses[i], &set->claims[i], err)) {
        return err_wrap(err, "cannot listen on %s", set->addresses[i].target);
    }
    return 0;
}

static void warn_if_reachable(const struct listen_address *address)
{
    if (!address->is_loopback) {
        main_log(MAIN_LOG_WARNING, "other hosts can reach %s", address->target);
    }
}

int main_listen_bind(struct main_listen *listen, struct rpc_server *rpc, struct http_server *http, struct err *err)
{
    for (size_t i = 0; i < listen->grpc.count; i++) {
        const struct listen_address *address = &listen->grpc.addresses[i];

        if (claim(&listen->grpc, i, err) ||
            rpc_server_listen(rpc, address->target, server_credentials_grpc(listen->credentials[i]),
                              &listen->grpc.ports[i], err)) {
            return -1;
        }
        warn_if_reachable(address);
    }
    for (size_t i = 0; i < listen->http.count; i++) {
        const struct listen_address *address = &listen->http.addresses[i];

        if (claim(&listen->http, i, err) ||
            http_server_listen(http, address, listen->tls[i], &listen->http.ports[i], err)) {
            return -1;
        }
        warn_if_reachable(address);
    }
    return 0;
}

/* ---- telling ---- */

static void print_set(const char *name, const struct main_listen_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        char text[LISTEN_TARGET_BYTES];

        listen_address_format(&set->addresses[i], set->ports[i], text);
        printf("%s%s%s", i > 0 ? "," : name, i > 0 ? "" : "=", text);
    }
}

int main_listen_print_ready(const struct main_listen *listen, struct err *err)
{
    print_set("ready grpc", &listen->grpc);
    print_set(" http", &listen->http);
    putchar('\n');
    if (fflush(stdout) != 0) {
        return err_set_errno(err, errno, "cannot print the ready line");
    }
    return 0;
}

static void release_claims(struct main_listen_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        listen_claim_release(&set->claims[i]);
    }
    set->count = 0;
}

void main_listen_close(struct main_listen *listen)
{
    release_claims(&listen->grpc);
    release_claims(&listen->http);
    for (size_t i = 0; i < LISTEN_ADDRESSES_MAX; i++) {
        server_credentials_destroy(listen->credentials[i]);
        http_tls_destroy(listen->tls[i]);
        listen->credentials[i] = NULL;
        listen->tls[i] = NULL;
    }
}
