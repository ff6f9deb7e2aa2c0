#include "job/siphash.h"

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t v[4], int count)
{
    for (; count > 0; count--) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

void siphash_begin(struct siphash *hash, const uint64_t key[2])
{
    *hash = (struct siphash){.v = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
                                   key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)}};
}

static void take(struct siphash *hash, uint64_t word)
{
    hash->v[3] ^= word;
    rounds(hash->v, 2);
    hash->v[0] ^= word;
}

void siphash_add(struct siphash *hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        hash->tail |= (uint64_t)bytes[i] << (8 * (hash->size % 8));
        hash->size++;
        if (hash->size % 8 == 0) {
            take(hash, hash->tail);
            hash->tail = 0;
        }
    }
}

void siphash_end(struct siphash *hash, uint64_t ret_digest[2])
{
    take(hash, hash->tail | (uint64_t)hash->size << 56);
    hash->v[2] ^= 0xee;
    rounds(hash->v, 4);
    ret_digest[0] = hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
    hash->v[1] ^= 0xdd;
    rounds(hash->v, 4);
    ret_digest[1] = hash->v[0] ^ hash->v[1] ^ hash->v[2] ^ hash->v[3];
}
