#include "server/page_token.h"

#include "job/siphash.h"

#define TOKEN_BYTES 24

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

_Static_assert(PAGE_TOKEN_CHARS == TOKEN_BYTES / 3 * 4, "base64 without padding");

static void put_word(unsigned char *bytes, uint64_t word)
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(word >> (8 * i));
    }
}

static uint64_t get_word(const unsigned char *bytes)
{
    uint64_t word = 0;

    for (int i = 0; i < 8; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

static void add_part(struct siphash *hash, struct span part)
{
    unsigned char size[8];

    put_word(size, part.size);
    siphash_add(hash, size, sizeof size);
    siphash_add(hash, part.data, part.size);
}

static uint64_t digest_query(const uint64_t key[2], const struct page_query *query)
{
    struct siphash hash;
    uint64_t digest[2];

    siphash_begin(&hash, key);
    add_part(&hash, query->method);
    add_part(&hash, query->parent);
    add_part(&hash, query->filter);
    siphash_end(&hash, digest);
    return digest[0];
}

static uint64_t checksum(const uint64_t key[2], const unsigned char position_and_digest[16])
{
    struct siphash hash;
    uint64_t digest[2];

    siphash_begin(&hash, key);
    siphash_add(&hash, position_and_digest, 16);
    siphash_end(&hash, digest);
    return digest[0];
}

void page_token_encode(const uint64_t key[2], const struct page_query *query, uint64_t position,
                       char ret_token[PAGE_TOKEN_CHARS])
{
    unsigned char bytes[TOKEN_BYTES];

    put_word(bytes, position);
    put_word(bytes + 8, digest_query(key, query));
    put_word(bytes + 16, checksum(key, bytes));
    for (int i = 0; i < TOKEN_BYTES / 3; i++) {
        uint32_t three = (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 | bytes[3 * i + 2];

        for (int k = 0; k < 4; k++) {
            ret_token[4 * i + k] = alphabet[three >> (18 - 6 * k) & 63];
        }
    }
}

static int refuse(struct err *err)
{
    return err_set(
        err, ERR_INVALID,
        "It is no token that this server gave: it was changed, or cut, or made before the server's key was.");
}

static int read_base64(struct span token, unsigned char bytes[TOKEN_BYTES])
{
    if (token.size != PAGE_TOKEN_CHARS) {
        return -1;
    }
    for (int i = 0; i < TOKEN_BYTES / 3; i++) {
        uint32_t three = 0;

        for (int k = 0; k < 4; k++) {
            char c = token.data[4 * i + k];
            const char *found = c ? strchr(alphabet, c) : NULL;

            if (!found) {
                return -1;
            }
            three = three << 6 | (uint32_t)(found - alphabet);
        }
        bytes[3 * i] = (unsigned char)(three >> 16);
        bytes[3 * i + 1] = (unsigned char)(three >> 8);
        bytes[3 * i + 2] = (unsigned char)three;
    }
    return 0;
}

int page_token_decode(const uint64_t key[2], const struct page_query *query, struct span token, uint64_t *ret_position,
                      struct err *err)
{
    unsigned char bytes[TOKEN_BYTES];

    if (token.size == 0) {
        *ret_position = 0;
        return 0;
    }
    if (read_base64(token, bytes) || get_word(bytes + 16) != checksum(key, bytes)) {
        return refuse(err);
    }
    if (get_word(bytes + 8) != digest_query(key, query)) {
        return err_set(
            err, ERR_INVALID,
            "It was given for another request: method, parent and filter must stay the same from page to page.");
    }
    *ret_position = get_word(bytes);
    return 0;
}
