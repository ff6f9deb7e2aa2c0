/* main_token_key: the key that page tokens are signed with, the same from one start of a server to the next.
 *
 * Used by   main_serve.c.
 * Shape     DATA_DIR/page-token.key, 16 random bytes, made when absent or shorter.
 * Blocks    on the disk.
 * Errors    ERR_IO.
 */
#ifndef SERVER_MAIN_TOKEN_KEY_H_
#define SERVER_MAIN_TOKEN_KEY_H_

#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

MUST_USE int main_token_key_read(const char *data_dir, uint64_t ret_key[2], struct err *err);

C_DECLS_END

#endif /* SERVER_MAIN_TOKEN_KEY_H_ */
