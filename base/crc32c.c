#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLYNOMIAL_REVERSED 0x82f63b78u

typedef uint32_t (*extend_fn)(uint32_t state, const unsigned char *bytes, size_t size);

static uint32_t table[8][256];

static void fill_table(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint32_t value = i;

        for (int bit = 0; bit < 8; bit++) {
            value = (value >> 1) ^ ((value & 1) ? POLYNOMIAL_REVERSED : 0);
        }
        table[0][i] = value;
    }
    for (unsigned i = 0; i < 256; i++) {
        for (int slice = 1; slice < 8; slice++) {
            table[slice][i] = (table[slice - 1][i] >> 8) ^ table[0][table[slice - 1][i] & 0xff];
        }
    }
}

static uint32_t extend_by_table(uint32_t state, const unsigned char *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        uint32_t low = state ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                                (uint32_t)bytes[3] << 24);

        state = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff] ^
                table[4][low >> 24] ^ table[3][bytes[4]] ^ table[2][bytes[5]] ^ table[1][bytes[6]] ^ table[0][bytes[7]];
    }
    for (; size > 0; bytes++, size--) {
        state = (state >> 8) ^ table[0][(state ^ *bytes) & 0xff];
    }
    return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t extend_by_instruction(uint32_t state, const unsigned char *bytes,
                                                                        size_t size)
{
    uint64_t wide = state;

    for (; size >= 8; bytes += 8, size -= 8) {
        uint64_t word;

        memcpy(&word, bytes, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    state = (uint32_t)wide;
    for (; size > 0; bytes++, size--) {
        state = _mm_crc32_u8(state, *bytes);
    }
    return state;
}
#endif

static extend_fn extend;

static void choose(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        extend = extend_by_instruction;
        return;
    }
#endif
    fill_table();
    extend = extend_by_table;
}

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size)
{
    static pthread_once_t chosen = PTHREAD_ONCE_INIT;

    pthread_once(&chosen, choose);
    return ~extend(~crc, data, size);
}

uint32_t crc32c_extend_portable(uint32_t crc, const void *data, size_t size)
{
    static pthread_once_t filled = PTHREAD_ONCE_INIT;

    pthread_once(&filled, fill_table);
    return ~extend_by_table(~crc, data, size);
}
