/* input: the bytes of a fuzzer, taken piece by piece.
 *
 * Shape     pieces are {length u16, little endian; bytes}, so that blocks that are mostly zeros stay short inputs; one
 *           that reaches beyond the end is cut there.
 */
#ifndef TESTS_FUZZ_INPUT_H_
#define TESTS_FUZZ_INPUT_H_

#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t input_byte(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

/* The next piece's bytes and their number; 0 when there are no more. */
static inline size_t input_piece(struct input *input, const uint8_t **ret_bytes)
{
    size_t length = input_byte(input);

    length |= (size_t)input_byte(input) << 8;
    length = length < input->left ? length : input->left;
    *ret_bytes = input->at;
    input->at += length;
    input->left -= length;
    return length;
}

#endif /* TESTS_FUZZ_INPUT_H_ */
