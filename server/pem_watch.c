#include "server/pem_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int copy_path(const char **path, struct err *err)
{
    if (*path) {
        *path = strdup(*path);
        if (!*path) {
            return err_set(err, ERR_EXHAUSTED, "no memory for credentials");
        }
    }
    return 0;
}

int pem_watch_init(struct pem_watch *watch, const struct pem_watch_options *options, struct err *err)
{
    struct pem_watch_options paths = *options;
    struct pem_pair pair;

    memset(watch, 0, sizeof *watch);
    if (pem_pair_read(paths.cert_path, paths.key_path, paths.client_ca_path, &pair, err)) {
        return -1;
    }
    pem_pair_deinit(&pair);
    watch->options.log = options->log;
    watch->options.context = options->context;
    if (copy_path(&paths.cert_path, err)) {
        return -1;
    }
    watch->options.cert_path = paths.cert_path;
    if (copy_path(&paths.key_path, err)) {
        return -1;
    }
    watch->options.key_path = paths.key_path;
    if (copy_path(&paths.client_ca_path, err)) {
        return -1;
    }
    watch->options.client_ca_path = paths.client_ca_path;
    return 0;
}

void pem_watch_deinit(struct pem_watch *watch)
{
    free((char *)watch->options.cert_path);
    free((char *)watch->options.key_path);
    free((char *)watch->options.client_ca_path);
    memset(watch, 0, sizeof *watch);
}

/* Zero for a file that is not there. */
static void read_stamps(const struct pem_watch *watch, struct pem_stamp stamps[PEM_WATCH_FILES])
{
    const char *const paths[PEM_WATCH_FILES] = {watch->options.cert_path, watch->options.key_path,
                                                watch->options.client_ca_path};

    memset(stamps, 0, PEM_WATCH_FILES * sizeof stamps[0]);
    for (size_t i = 0; i < PEM_WATCH_FILES; i++) {
        struct stat status;

        if (paths[i] && stat(paths[i], &status) == 0) {
            stamps[i].inode = status.st_ino;
            stamps[i].size = status.st_size;
            stamps[i].changed = status.st_ctim;
        }
    }
}

static bool read_pair(const struct pem_watch *watch, struct pem_pair *ret_pair)
{
    const struct pem_watch_options *options = &watch->options;
    struct err err = ERR_INIT;
    char line[ERR_TEXT_BYTES + 128];
    bool is_read = pem_pair_read(options->cert_path, options->key_path, options->client_ca_path, ret_pair, &err) == 0;

    if (is_read) {
        snprintf(line, sizeof line, "TLS: serving %s, which expires %s", options->cert_path, ret_pair->expires);
    } else {
        snprintf(line, sizeof line, "TLS: %s; the certificate before is served on", err.text);
    }
    if (options->log) {
        options->log(options->context, line);
    }
    return is_read;
}

bool pem_watch_take(struct pem_watch *watch, struct pem_pair *ret_pair)
{
    struct pem_stamp stamps[PEM_WATCH_FILES];
    bool is_taken;

    read_stamps(watch, stamps);
    if (watch->has_taken && memcmp(stamps, watch->stamps, sizeof stamps) == 0) {
        return false;
    }
    memcpy(watch->stamps, stamps, sizeof stamps);
    is_taken = read_pair(watch, ret_pair);
    watch->has_taken = watch->has_taken || is_taken;
    return is_taken;
}
