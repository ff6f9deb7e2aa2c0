/* pem_pair: a certificate chain, its key and a set of authorities, read from PEM files and found to fit.
 *
 * Used by   pem_watch.c.
 * Owns      its texts; pem_pair_deinit wipes the key.
 * Blocks    on the files.
 * Errors    ERR_INVALID with the file and what is wrong with it; ERR_IO when it cannot be read.
 */
#ifndef SERVER_PEM_PAIR_H_
#define SERVER_PEM_PAIR_H_

#include "base/err.h"

C_DECLS_BEGIN

struct pem_pair {
    char *cert;
    char *key;
    char *client_ca;  /* NULL when there is no path for it */
    char expires[32]; /* of the first certificate, such as "2027-01-31 12:00 UTC" */
};

MUST_USE int pem_pair_read(const char *cert_path, const char *key_path, const char *client_ca_path,
                           struct pem_pair *ret_pair, struct err *err);
void pem_pair_deinit(struct pem_pair *pair);

C_DECLS_END

#endif /* SERVER_PEM_PAIR_H_ */
