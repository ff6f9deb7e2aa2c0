/* pem_watch: PEM files that may be renewed while they are served on.
 *
 * Used by   server_credentials.c, http_tls.c; each has one for each address.
 * Shape     another inode, size or change time after every way of replacing a file. Files that do not fit each other, as in
 *           the middle of a renewal, are told once and the pair before stays.
 * Owns      copies of the paths.
 * Thread    one at a time.      Blocks    on the files.
 * Errors    as pem_pair.
 */
#ifndef SERVER_PEM_WATCH_H_
#define SERVER_PEM_WATCH_H_

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "server/pem_pair.h"

C_DECLS_BEGIN

#define PEM_WATCH_FILES 3

struct pem_watch_options {
    const char *cert_path;
    const char *key_path;
    const char *client_ca_path;                   /* NULL: clients need no certificate */
    void (*log)(void *context, const char *line); /* what became of a renewal; any thread */
    void *context;
};

struct pem_stamp {
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct pem_watch {
    struct pem_watch_options options; /* paths are copies */
    struct pem_stamp stamps[PEM_WATCH_FILES];
    bool has_taken;
};

/* Reads the files once, to tell what is wrong with them while there is somebody to tell. On failure, too, deinit is to be
 * called. */
MUST_USE int pem_watch_init(struct pem_watch *watch, const struct pem_watch_options *options, struct err *err);
/* True: *ret_pair is new, and the caller's. False: nothing has changed, or not to a pair that fits. */
bool pem_watch_take(struct pem_watch *watch, struct pem_pair *ret_pair);
void pem_watch_deinit(struct pem_watch *watch);

C_DECLS_END

#endif /* SERVER_PEM_WATCH_H_ */
