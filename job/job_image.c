#include "job/job_image.h"

#include <stdbool.h>

#include "base/limits.h"
#include "job/wire.h"

/* Fields of CustomJob that are outputs, and of google.rpc.Status. In an image they come first and in this order. */
enum {
    FIELD_NAME = 1,
    FIELD_STATE = 5,
    FIELD_CREATE_TIME = 6,
    FIELD_START_TIME = 7,
    FIELD_END_TIME = 8,
    FIELD_UPDATE_TIME = 9,
    FIELD_ERROR = 10
};
enum { STATUS_CODE = 1, STATUS_MESSAGE = 2 };

static bool is_output(uint32_t number)
{
    return number == FIELD_NAME || (number >= FIELD_STATE && number <= FIELD_ERROR);
}

static size_t status_size(const struct job_outputs *outputs)
{
    return wire_number_size(STATUS_CODE, (uint64_t)outputs->error_code) +
           wire_bytes_size(STATUS_MESSAGE, outputs->error_message.size);
}

static size_t head_size(const struct job_outputs *outputs)
{
    return wire_bytes_size(FIELD_NAME, outputs->name.size) + wire_number_size(FIELD_STATE, outputs->state) +
           wire_timestamp_size(FIELD_CREATE_TIME, outputs->create_time_unix_ns) +
           wire_timestamp_size(FIELD_START_TIME, outputs->start_time_unix_ns) +
           wire_timestamp_size(FIELD_END_TIME, outputs->end_time_unix_ns) +
           wire_timestamp_size(FIELD_UPDATE_TIME, outputs->update_time_unix_ns) +
           wire_bytes_size(FIELD_ERROR, status_size(outputs));
}

static char *put_head(char *at, const struct job_outputs *outputs)
{
    at = wire_put_bytes(at, FIELD_NAME, outputs->name);
    at = wire_put_number(at, FIELD_STATE, outputs->state);
    at = wire_put_timestamp(at, FIELD_CREATE_TIME, outputs->create_time_unix_ns);
    at = wire_put_timestamp(at, FIELD_START_TIME, outputs->start_time_unix_ns);
    at = wire_put_timestamp(at, FIELD_END_TIME, outputs->end_time_unix_ns);
    at = wire_put_timestamp(at, FIELD_UPDATE_TIME, outputs->update_time_unix_ns);
    if (status_size(outputs) > 0) {
        at = wire_put_head(at, FIELD_ERROR, status_size(outputs));
        at = wire_put_number(at, STATUS_CODE, (uint64_t)outputs->error_code);
        at = wire_put_bytes(at, STATUS_MESSAGE, outputs->error_message);
    }
    return at;
}

int job_image_build(const struct job_outputs *outputs, struct span spec_wire, struct blob **ret_image, struct err *err)
{
    struct wire_reader spec = {spec_wire};
    struct wire_field first;
    size_t size = head_size(outputs) + spec_wire.size;
    struct blob *image;
    char *end;

    if (wire_next(&spec, &first) == WIRE_FIELD && is_output(first.number)) {
        return err_set(err, ERR_INTERNAL, "the job's own bytes begin with output field %u", first.number);
    }
    if (size > LIMIT_VALUE_BYTES) {
        return err_set(err, ERR_EXHAUSTED, "the CustomJob has %zu bytes, the limit is %d", size, LIMIT_VALUE_BYTES);
    }
    image = blob_create(size);
    if (!image) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a CustomJob of %zu bytes", size);
    }
    end = put_head(blob_bytes(image), outputs);
    if (spec_wire.size > 0) {
        memcpy(end, spec_wire.data, spec_wire.size);
    }
    *ret_image = image;
    return 0;
}

static bool read_status(struct span status, struct job_outputs *outputs)
{
    struct wire_reader reader = {status};
    struct wire_field field;
    enum wire_result result;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.number == STATUS_CODE && field.type == WIRE_VARINT) {
            outputs->error_code = (int32_t)field.value;
        } else if (field.number == STATUS_MESSAGE && field.type == WIRE_BYTES) {
            outputs->error_message = field.bytes;
        }
    }
    return result == WIRE_END;
}

static bool read_output(const struct wire_field *field, struct job_outputs *outputs)
{
    if (field->number == FIELD_STATE) {
        outputs->state = (uint32_t)field->value;
        return field->type == WIRE_VARINT;
    }
    if (field->type != WIRE_BYTES) {
        return false;
    }
    switch (field->number) {
    case FIELD_NAME:
        outputs->name = field->bytes;
        return true;
    case FIELD_CREATE_TIME:
        return wire_read_timestamp(field->bytes, &outputs->create_time_unix_ns) == WIRE_END;
    case FIELD_START_TIME:
        return wire_read_timestamp(field->bytes, &outputs->start_time_unix_ns) == WIRE_END;
    case FIELD_END_TIME:
        return wire_read_timestamp(field->bytes, &outputs->end_time_unix_ns) == WIRE_END;
    case FIELD_UPDATE_TIME:
        return wire_read_timestamp(field->bytes, &outputs->update_time_unix_ns) == WIRE_END;
    default:
        return read_status(field->bytes, outputs);
    }
}

int job_image_split(struct span image, struct job_outputs *ret_outputs, struct span *ret_spec_wire, struct err *err)
{
    struct job_outputs outputs = {0};
    struct wire_reader reader = {image};
    struct span spec;
    struct wire_field field = {0};
    enum wire_result result;
    uint32_t last = 0;

    do {
        spec = reader.rest;
        result = wire_next(&reader, &field);
        if (result == WIRE_BAD || (result == WIRE_FIELD && is_output(field.number) &&
                                   (field.number <= last || !read_output(&field, &outputs)))) {
            return err_set(err, ERR_CORRUPT, "a stored CustomJob has bad output bytes at offset %zu of %zu",
                           (size_t)(spec.data - image.data), image.size);
        }
        last = field.number;
    } while (result == WIRE_FIELD && is_output(field.number));
    if (outputs.name.size == 0) {
        return err_set(err, ERR_CORRUPT, "a stored CustomJob does not begin with its name");
    }
    *ret_outputs = outputs;
    *ret_spec_wire = spec;
    return 0;
}
