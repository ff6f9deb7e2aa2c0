/* seal_box: authenticated encryption with one key, keys made of keys, and memory to keep them in.
 *
 * Used by   the rest of seal/, storage/row_*.c. OpenSSL is seen in seal_box.c alone.
 * Shape     AES-256-GCM; the nonce is 4 zero bytes and the number, little endian; the tag follows the bytes. HKDF-SHA256.
 *           A box never sees the same number twice when it seals: that is its user's promise (docs/encryption.md §3).
 * Owns      a box its schedule of the key, wiped at the end. A secret lies in OpenSSL's secure heap: locked in memory,
 *           left out of core dumps, wiped when freed.
 * Thread    a box: one at a time. The rest: any.      Units     bytes.
 * Errors    ERR_DENIED: the tag does not hold: another key, or other bytes than were sealed. ERR_EXHAUSTED: memory.
 *           ERR_INTERNAL: the library refuses.
 */
#ifndef SEAL_SEAL_BOX_H_
#define SEAL_SEAL_BOX_H_

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

#define SEAL_KEY_BYTES 32
#define SEAL_TAG_BYTES 16
#define SEAL_ID_BYTES 16

struct seal_box;

MUST_USE int seal_box_create(const uint8_t *key, struct seal_box **ret_box, struct err *err);
/* NULL is allowed. */
void seal_box_destroy(struct seal_box *box);

/* Writes plain.size + SEAL_TAG_BYTES bytes to sealed; context is bound to them and not in them. */
MUST_USE int seal_box_seal(struct seal_box *box, uint64_t number, struct span context, struct span plain, void *sealed,
                           struct err *err);
/* Writes sealed.size - SEAL_TAG_BYTES bytes to plain, which mean nothing unless it returns 0. */
MUST_USE int seal_box_open(struct seal_box *box, uint64_t number, struct span context, struct span sealed, void *plain,
                           struct err *err);

/* size bytes that nobody can tell from random ones, of the key, a salt and what they are for. */
MUST_USE int seal_derive(const uint8_t *key, struct span salt, const char *purpose, void *bytes, size_t size,
                         struct err *err);
MUST_USE int seal_random(void *bytes, size_t size, struct err *err);

/* SEAL_KEY_BYTES for a key. */
MUST_USE int seal_secret_alloc(uint8_t **ret_secret, struct err *err);
/* NULL is allowed. */
void seal_secret_free(uint8_t *secret);
void seal_wipe(void *bytes, size_t size);

C_DECLS_END

#endif /* SEAL_SEAL_BOX_H_ */
