/* Page tokens of any text. Input: pieces for method, parent and filter, then the token. One that is taken is, letter by
 * letter, what this server writes for its position; and a written one is taken, for its own query alone. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "server/page_token.h"

static const uint64_t key[2] = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

static struct span piece_of(struct input *input)
{
    const uint8_t *bytes;
    size_t size = input_piece(input, &bytes);

    return span_make((const char *)bytes, size);
}

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, size};
    struct page_query query = {piece_of(&input), piece_of(&input), piece_of(&input)};
    struct page_query other = {query.parent, query.method, query.filter};
    struct span token = span_make((const char *)input.at, input.left);
    char written[PAGE_TOKEN_CHARS];
    struct err err = ERR_INIT;
    uint64_t position = 1;
    uint64_t again = 0;

    if (page_token_decode(key, &query, token, &position, &err) == 0) {
        check(token.size == 0 ? position == 0 : token.size == PAGE_TOKEN_CHARS);
        if (token.size > 0) {
            page_token_encode(key, &query, position, written);
            check(memcmp(written, token.data, PAGE_TOKEN_CHARS) == 0);
        }
    } else {
        check(err.code == ERR_INVALID && err.text[0] != '\0' && position == 1);
    }
    position = 1 + size * UINT64_C(0x9e3779b97f4a7c15) % INT64_MAX;
    page_token_encode(key, &query, position, written);
    check(page_token_decode(key, &query, span_make(written, sizeof written), &again, &err) == 0 && again == position);
    if (query.parent.size != query.method.size) {
        check(page_token_decode(key, &other, span_make(written, sizeof written), &again, &err) != 0);
    }
    written[size % PAGE_TOKEN_CHARS] ^= 1;
    check(page_token_decode(key, &query, span_make(written, sizeof written), &again, &err) != 0);
    return 0;
}
