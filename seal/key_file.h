/* key_file: named keys in a file of this host.
 *
 * Used by   server/main_keys.c.
 * Shape     a text; one version of a key a line: NAME VERSION KEY [primary]. KEY is 32 bytes in base64; of several
 *           versions of a name exactly one is primary. # begins a comment line. Read once, at the start.
 *           A data key is wrapped as nonce [12], AES-256-GCM of its 32 bytes, tag [16]; name and version are bound to it.
 * Owns      the keys, in secret memory.      Thread    as key_source.h.      Blocks    open, on the file.
 * Errors    ERR_INVALID with the line; ERR_DENIED: others than the file's owner may read it; ERR_IO.
 */
#ifndef SEAL_KEY_FILE_H_
#define SEAL_KEY_FILE_H_

#include "seal/key_source.h"

C_DECLS_BEGIN

#define KEY_FILE_BYTES_MAX (4 * 1024 * 1024)

MUST_USE int key_file_open(const char *path, struct key_source **ret_source, struct err *err);

C_DECLS_END

#endif /* SEAL_KEY_FILE_H_ */
