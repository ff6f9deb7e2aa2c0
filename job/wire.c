#include "job/wire.h"

#include <stdbool.h>

#include "base/clock.h"
#include "base/limits.h"

#define VARINT_BYTES_MAX 10
#define TAG_BYTES_MAX 5
#define TYPE_GROUP_END 4

static bool read_varint(struct span *rest, size_t limit, uint64_t *ret_value)
{
    uint64_t value = 0;

    limit = rest->size < limit ? rest->size : limit;

    for (size_t i = 0; i < limit; i++) {
        unsigned char byte = (unsigned char)rest->data[i];

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *rest = span_skip(*rest, i + 1);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct span *rest, size_t size, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (rest->size < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)(unsigned char)rest->data[i] << (8 * i);
    }
    *rest = span_skip(*rest, size);
    *ret_value = value;
    return true;
}

static bool read_bytes(struct span *rest, struct span *ret_bytes)
{
    uint64_t size;

    if (!read_varint(rest, VARINT_BYTES_MAX, &size) || size > rest->size) {
        return false;
    }
    *ret_bytes = span_make(rest->data, (size_t)size);
    *rest = span_skip(*rest, (size_t)size);
    return true;
}

static bool read_group(struct span *rest, uint32_t number, struct span *ret_bytes);

static bool read_content(struct span *rest, struct wire_field *field)
{
    switch (field->type) {
    case WIRE_VARINT:
        return read_varint(rest, VARINT_BYTES_MAX, &field->value);
    case WIRE_FIXED64:
        return read_fixed(rest, 8, &field->value);
    case WIRE_FIXED32:
        return read_fixed(rest, 4, &field->value);
    case WIRE_BYTES:
        return read_bytes(rest, &field->bytes);
    case WIRE_GROUP:
        return read_group(rest, field->number, &field->bytes);
    default:
        return false;
    }
}

static bool read_tag(struct span *rest, struct wire_field *field)
{
    uint64_t tag;

    if (!read_varint(rest, TAG_BYTES_MAX, &tag) || tag < 8 || tag > UINT32_MAX) {
        return false;
    }
    field->number = (uint32_t)tag >> 3;
    field->type = (uint32_t)tag & 7;
    return true;
}

/* A group's fields are passed over; that it ends at all, and with its own number, has to be seen. */
static bool read_group(struct span *rest, uint32_t number, struct span *ret_bytes)
{
    uint32_t open[LIMIT_REQUEST_DEPTH] = {number};
    size_t depth = 1;
    const char *begin = rest->data;
    const char *end;
    struct wire_field field = {0};

    do {
        end = rest->data;
        if (!read_tag(rest, &field)) {
            return false;
        }
        if (field.type == TYPE_GROUP_END) {
            if (field.number != open[--depth]) {
                return false;
            }
        } else if (field.type == WIRE_GROUP) {
            if (depth == LIMIT_REQUEST_DEPTH) {
                return false;
            }
            open[depth++] = field.number;
        } else if (!read_content(rest, &field)) {
            return false;
        }
    } while (depth > 0);
    *ret_bytes = span_make(begin, (size_t)(end - begin));
    return true;
}

enum wire_result wire_next(struct wire_reader *reader, struct wire_field *ret_field)
{
    struct span rest = reader->rest;
    struct wire_field field = {.start = rest.data};

    if (rest.size == 0) {
        return WIRE_END;
    }
    if (!read_tag(&rest, &field) || !read_content(&rest, &field)) {
        return WIRE_BAD;
    }
    reader->rest = rest;
    *ret_field = field;
    return WIRE_FIELD;
}

enum wire_result wire_read_timestamp(struct span bytes, int64_t *ret_unix_ns)
{
    struct wire_reader reader = {bytes};
    struct wire_field field;
    enum wire_result result;
    int64_t seconds = 0;
    int64_t nanos = 0;
    int64_t unix_ns;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.type == WIRE_VARINT && field.number == 1) {
            seconds = (int64_t)field.value;
        } else if (field.type == WIRE_VARINT && field.number == 2) {
            nanos = (int64_t)field.value;
        }
    }
    if (__builtin_mul_overflow(seconds, CLOCK_NS_PER_S, &unix_ns) || __builtin_add_overflow(unix_ns, nanos, &unix_ns)) {
        return WIRE_BAD;
    }
    if (result == WIRE_END) {
        *ret_unix_ns = unix_ns;
    }
    return result;
}

size_t wire_varint_size(uint64_t value)
{
    return value == 0 ? 1 : (size_t)(63 - __builtin_clzll(value)) / 7 + 1;
}

char *wire_put_varint(char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

size_t wire_number_size(uint32_t number, uint64_t value)
{
    return value == 0 ? 0 : wire_varint_size((uint64_t)number << 3) + wire_varint_size(value);
}

size_t wire_bytes_size(uint32_t number, size_t size)
{
    return size == 0 ? 0 : wire_varint_size((uint64_t)number << 3) + wire_varint_size(size) + size;
}

static size_t timestamp_content_size(int64_t unix_ns)
{
    return wire_number_size(1, (uint64_t)(unix_ns / CLOCK_NS_PER_S)) +
           wire_number_size(2, (uint64_t)(unix_ns % CLOCK_NS_PER_S));
}

size_t wire_timestamp_size(uint32_t number, int64_t unix_ns)
{
    return unix_ns == 0 ? 0 : wire_bytes_size(number, timestamp_content_size(unix_ns));
}

char *wire_put_number(char *at, uint32_t number, uint64_t value)
{
    if (value == 0) {
        return at;
    }
    at = wire_put_varint(at, (uint64_t)number << 3 | WIRE_VARINT);
    return wire_put_varint(at, value);
}

char *wire_put_head(char *at, uint32_t number, size_t size)
{
    at = wire_put_varint(at, (uint64_t)number << 3 | WIRE_BYTES);
    return wire_put_varint(at, size);
}

char *wire_put_bytes(char *at, uint32_t number, struct span bytes)
{
    if (bytes.size == 0) {
        return at;
    }
    at = wire_put_head(at, number, bytes.size);
    memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

char *wire_put_timestamp(char *at, uint32_t number, int64_t unix_ns)
{
    if (unix_ns == 0) {
        return at;
    }
    at = wire_put_head(at, number, timestamp_content_size(unix_ns));
    at = wire_put_number(at, 1, (uint64_t)(unix_ns / CLOCK_NS_PER_S));
    return wire_put_number(at, 2, (uint64_t)(unix_ns % CLOCK_NS_PER_S));
}

struct span wire_find_bytes(struct span message, uint32_t number)
{
    struct wire_reader reader = {message};
    struct wire_field field;

    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == number && field.type == WIRE_BYTES) {
            return field.bytes;
        }
    }
    return span_make(NULL, 0);
}
