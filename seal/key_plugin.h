/* key_plugin: named keys behind a program of the operator's that talks to a key service.
 *
 * Used by   server/main_keys.c.
 * Shape     one process a question; docs/encryption.md §6:
 *             PROGRAM list                   prints lines NAME PRIMARY_VERSION
 *             PROGRAM wrap NAME              reads a line, base64 of 32 bytes; prints VERSION WRAPPED, base64
 *             PROGRAM unwrap NAME VERSION    reads a line, WRAPPED; prints base64 of 32 bytes
 *           Exit code 0: done; 3: there is no such key or version; 4: the key did not wrap this; else: cannot be asked now.
 *           The first line of its standard error is the reason.
 * Owns      the names; a process while it is asked.
 * Thread    as key_source.h.
 * Blocks    each call for KEY_PLUGIN_MS_MAX at most, then the process is killed.
 * Errors    as key_source.h; open: ERR_INVALID when the list makes no sense.
 */
#ifndef SEAL_KEY_PLUGIN_H_
#define SEAL_KEY_PLUGIN_H_

#include "seal/key_source.h"

C_DECLS_BEGIN

#define KEY_PLUGIN_MS_MAX 10000
#define KEY_PLUGIN_OUTPUT_BYTES_MAX (1024 * 1024)

MUST_USE int key_plugin_open(const char *program, struct key_source **ret_source, struct err *err);

C_DECLS_END

#endif /* SEAL_KEY_PLUGIN_H_ */
