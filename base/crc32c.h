/* crc32c: the Castagnoli checksum, by the CPU's instruction where there is one.
 *
 * Shape     crc32c_extend(crc32c(a), b) == crc32c(a followed by b); crc of nothing is 0.
 * Thread    any.      Source    RFC 3720 B.4 for the test vectors.
 */
#ifndef BASE_CRC32C_H_
#define BASE_CRC32C_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

C_DECLS_BEGIN

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size);
/* The same by table, as on a CPU without the instruction; a test holds the two together. */
uint32_t crc32c_extend_portable(uint32_t crc, const void *data, size_t size);

static inline uint32_t crc32c(const void *data, size_t size)
{
    return crc32c_extend(0, data, size);
}

C_DECLS_END

#endif /* BASE_CRC32C_H_ */
