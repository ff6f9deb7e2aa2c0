/* The store's random ids come from a seed in this program: the same seed, the same bytes on the disk. */
#include "random_bytes.h"

#include <sys/random.h>

#include <cstring>
#include <random>

static thread_local std::mt19937_64 generator;

void SeedRandomBytes(uint64_t seed)
{
    generator.seed(seed);
}

extern "C" ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = generator();
        memcpy(static_cast<char *>(bytes) + at, &word, std::min(sizeof word, size - at));
    }
    return ssize_t(size);
}
