/* siphash: SipHash-2-4 with 128 bits, a keyed digest for tables that strangers fill and for telling requests apart.
 *
 * Used by   request_ids.c.      Thread    any; pure.
 * Source    Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the 128-bit variant of its reference text.
 */
#ifndef JOB_SIPHASH_H_
#define JOB_SIPHASH_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

struct siphash {
    uint64_t v[4];
    uint64_t tail; /* bytes not yet taken in, little endian */
    size_t size;   /* of everything so far */
};

void siphash_begin(struct siphash *hash, const uint64_t key[2]);
void siphash_add(struct siphash *hash, const void *data, size_t size);
void siphash_end(struct siphash *hash, uint64_t ret_digest[2]);

C_DECLS_END

#endif /* JOB_SIPHASH_H_ */
