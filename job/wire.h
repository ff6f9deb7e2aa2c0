/* wire: protobuf's wire format by hand, for the few places where no message needs to be built.
 *
 * Used by   job_keys.c, job_image.c, job_spec.c; server/request_decode.c.
 * Shape     wire_next gives one field after the other, in the order of the bytes, and takes and refuses the bytes that
 *           upb does. A group, which no message of ours has, is one field; nested at most LIMIT_REQUEST_DEPTH deep.
 *           Writers append at a pointer that has room: sizes are asked for before.
 * Thread    any; pure.
 * Source    protobuf.dev, "Encoding".
 */
#ifndef JOB_WIRE_H_
#define JOB_WIRE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_GROUP = 3, WIRE_FIXED32 = 5 };

struct wire_reader {
    struct span rest;
};

struct wire_field {
    uint32_t number;
    uint32_t type;     /* enum wire_type */
    uint64_t value;    /* of numbers */
    struct span bytes; /* of WIRE_BYTES and WIRE_GROUP */
    const char *start; /* of the field's tag */
};

enum wire_result { WIRE_FIELD, WIRE_END, WIRE_BAD };

/* The next field; WIRE_BAD leaves the reader where the bad field begins. */
MUST_USE enum wire_result wire_next(struct wire_reader *reader, struct wire_field *ret_field);
/* A google.protobuf.Timestamp, as ns since 1970; WIRE_BAD or WIRE_END (read whole). */
/* The first field of that number and of type bytes, or an empty span. */
struct span wire_find_bytes(struct span message, uint32_t number);
MUST_USE enum wire_result wire_read_timestamp(struct span bytes, int64_t *ret_unix_ns);

size_t wire_varint_size(uint64_t value);
char *wire_put_varint(char *at, uint64_t value);

/* Sizes with tag; 0 for what proto3 leaves out: the number 0, the empty string, the time 0. */
size_t wire_number_size(uint32_t number, uint64_t value);
size_t wire_bytes_size(uint32_t number, size_t size);
size_t wire_timestamp_size(uint32_t number, int64_t unix_ns);
char *wire_put_number(char *at, uint32_t number, uint64_t value);
char *wire_put_bytes(char *at, uint32_t number, struct span bytes);
/* Tag and length of a field whose bytes follow, also when size is 0. */
char *wire_put_head(char *at, uint32_t number, size_t size);
char *wire_put_timestamp(char *at, uint32_t number, int64_t unix_ns);

C_DECLS_END

#endif /* JOB_WIRE_H_ */
