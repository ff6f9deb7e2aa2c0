/* random_bytes: what getrandom() gives in this test program. */
#ifndef TESTS_CRASH_RANDOM_BYTES_H_
#define TESTS_CRASH_RANDOM_BYTES_H_

#include <cstdint>

/* For the calling thread. */
void SeedRandomBytes(uint64_t seed);

#endif /* TESTS_CRASH_RANDOM_BYTES_H_ */
