/* listen_address: an address to serve on, as it is written; and the lock that keeps a unix socket one server's.
 *
 * Used by   main_serve.c.
 * Shape     "host:port", "[v6]:port", "unix:PATH" or "unix:///PATH". A host name is resolved once, and its first address is
 *           the one; localhost is 127.0.0.1.
 * Owns      a claim owns PATH.lock, whose file stays when the claim goes: to remove a lock file is to race for it.
 * Thread    any.      Blocks    on the resolver, for host names that are neither numbers nor localhost.
 * Errors    ERR_INVALID: no address, with how to write one. ERR_DENIED: one that needs more flags, and which.
 *           ERR_IN_USE: somebody else serves on the path. ERR_IO.
 * Why       C-core takes over a live unix socket silently.
 */
#ifndef SERVER_LISTEN_ADDRESS_H_
#define SERVER_LISTEN_ADDRESS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

#define LISTEN_TARGET_BYTES 128

struct listen_address {
    char target[LISTEN_TARGET_BYTES]; /* what the transport is given: "127.0.0.1:8080", "[::1]:0", "unix:/run/x" */
    const char *path;                 /* of a unix address, within the text parsed; else NULL */
    uint16_t port;                    /* 0: any */
    bool is_loopback;                 /* nobody on another host can reach it */
};

/* The text must outlive the address. */
MUST_USE int listen_address_parse(const char *text, struct listen_address *ret_address, struct err *err);
/* The target with the port that was really taken. */
void listen_address_format(const struct listen_address *address, int port, char text[LISTEN_TARGET_BYTES]);

#define LISTEN_ADDRESSES_MAX 16

/* What guards an address that other hosts can reach. */
struct listen_rules {
    bool insecure_bind;
    bool has_tls;
    bool has_client_ca;
};

/* Reads them all. Refuses one given twice, and one that other hosts can reach unless that is guarded or was asked for.
 * flag: what they were given with, "--listen". addresses: room for LISTEN_ADDRESSES_MAX. */
MUST_USE int listen_address_parse_all(const char *flag, const char *const *texts, size_t count,
                                      const struct listen_rules *rules, struct listen_address *addresses,
                                      struct err *err);
/* Both are one address, which two listeners cannot have. */
bool listen_address_equal(const struct listen_address *left, const struct listen_address *right);

struct listen_claim {
    const char *path; /* NULL: nothing claimed */
    int lock_file;
};

/* Makes path free to bind: takes PATH.lock and removes a socket on which nobody listens any more. For an address that is
 * no unix one there is nothing to claim. */
MUST_USE int listen_address_claim(const struct listen_address *address, struct listen_claim *ret_claim,
                                  struct err *err);
/* Removes the socket and lets go of the lock. */
void listen_claim_release(struct listen_claim *claim);

C_DECLS_END

#endif /* SERVER_LISTEN_ADDRESS_H_ */
