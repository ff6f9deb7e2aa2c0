/* main_keys: the keys that the options name, and the process that holds them.
 *
 * Used by   main_serve.c, main_wal.c.
 * Blocks    on the file; on a key service.
 * Errors    ERR_INVALID, ERR_DENIED: of the file or the program; ERR_UNAVAILABLE: the key service.
 */
#ifndef SERVER_MAIN_KEYS_H_
#define SERVER_MAIN_KEYS_H_

#include "seal/keyring.h"
#include "server/config.h"

C_DECLS_BEGIN

/* *ret_ring is NULL where no option names keys. From here on the process leaves no core dump. */
MUST_USE int main_keys_open(const char *key_file, const char *kms_plugin, struct keyring **ret_ring, struct err *err);
/* After the store was opened: has the whole store's key ready, and lets a key service be asked for the others. */
MUST_USE int main_keys_start(struct keyring *ring, const char *store_key, struct err *err);

C_DECLS_END

#endif /* SERVER_MAIN_KEYS_H_ */
