#include "server/main_listen.h"

#include <errno.h>
#include <stdio.h>

#include "server/main_log.h"
#include "server/rpc_server.h"
#include "server/server_credentials.h"

static int open_one(const struct config *config, const struct listen_address *address,
                    struct server_credentials **ret_credentials, struct err *err)
{
    struct server_credentials_options options = {.log = main_log_line};

    if (!address->path) { /* who may open a socket's file is said by the file system */
        options.cert_path = config->tls_cert;
        options.key_path = config->tls_key;
        options.client_ca_path = config->client_ca;
    }
    return server_credentials_create(&options, ret_credentials, err);
}

int main_listen_open(const struct config *config, struct main_listen *listen, struct err *err)
{
    struct listen_rules rules = {.insecure_bind = config->insecure_bind,
                                 .has_tls = config->tls_cert != NULL,
                                 .has_client_ca = config->client_ca != NULL};
    size_t count = config->listen.count;

    if (listen_address_parse_all(config->listen.items, count, &rules, listen->addresses, err)) {
        return -1;
    }
    listen->count = count;
    for (size_t i = 0; i < count; i++) {
        if (open_one(config, &listen->addresses[i], &listen->credentials[i], err)) {
            return -1;
        }
    }
    return 0;
}

int main_listen_bind(struct main_listen *listen, struct rpc_server *server, struct err *err)
{
    for (size_t i = 0; i < listen->count; i++) {
        const struct listen_address *address = &listen->addresses[i];

        if (listen_address_claim(address, &listen->claims[i], err)) {
            return err_wrap(err, "cannot listen on %s", address->target);
        }
        if (rpc_server_listen(server, address->target, server_credentials_grpc(listen->credentials[i]),
                              &listen->ports[i], err)) {
            return -1;
        }
        if (!address->is_loopback) {
            main_log(MAIN_LOG_WARNING, "other hosts can reach %s", address->target);
        }
    }
    return 0;
}

int main_listen_print_ready(const struct main_listen *listen, struct err *err)
{
    fputs("ready grpc=", stdout);
    for (size_t i = 0; i < listen->count; i++) {
        char text[LISTEN_TARGET_BYTES];

        listen_address_format(&listen->addresses[i], listen->ports[i], text);
        printf("%s%s", i > 0 ? "," : "", text);
    }
    putchar('\n');
    if (fflush(stdout) != 0) {
        return err_set_errno(err, errno, "cannot print the ready line");
    }
    return 0;
}

void main_listen_close(struct main_listen *listen)
{
    for (size_t i = 0; i < listen->count; i++) {
        listen_claim_release(&listen->claims[i]);
        server_credentials_destroy(listen->credentials[i]);
    }
    listen->count = 0;
}
