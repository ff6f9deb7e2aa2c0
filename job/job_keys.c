#include "job/job_keys.h"

#include "job/wire.h"

/* Fields of google.cloud.aiplatform.v1.CustomJob that are keys. */
enum {
    JOB_FIELD_NAME = 1,
    JOB_FIELD_DISPLAY_NAME = 2,
    JOB_FIELD_STATE = 5,
    JOB_FIELD_CREATE_TIME = 6,
    JOB_FIELD_LABELS = 11,
    JOB_FIELD_ENCRYPTION_SPEC = 12
};
enum { ENCRYPTION_SPEC_KEY_NAME = 1 };
/* Fields of the records of customjobd.store.v1. */
enum { EXECUTION_KEY_NAME = 15, REQUEST_ID_KEY_NAME = 6 };
/* Fields of google.longrunning.Operation, of google.protobuf.Any, and of the two metadata messages. */
enum { OPERATION_NAME = 1, OPERATION_METADATA = 2, OPERATION_DONE = 3 };
enum { ANY_TYPE_URL = 1, ANY_VALUE = 2 };
enum { DELETE_METADATA_GENERIC = 1, GENERIC_METADATA_CREATE_TIME = 2 };

static int corrupt(const char *what, struct span whole, struct span at, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "%s: bad bytes at offset %zu of %zu", what, (size_t)(at.data - whole.data),
                   whole.size);
}

/* The name without its last two segments: "projects/P/locations/L". */
static int read_parent(struct span name, const char *collection, struct span *ret_parent, struct err *err)
{
    size_t length = strlen(collection);
    size_t slash = name.size;

    while (slash > 0 && name.data[slash - 1] != '/') {
        slash--;
    }
    if (slash < length + 2 || slash == name.size || memcmp(name.data + slash - 1 - length, collection, length) != 0 ||
        name.data[slash - 2 - length] != '/') {
        return err_set(err, ERR_CORRUPT, "\"%.*s\" is no name under %s", SPAN_FORMAT(name), collection);
    }
    *ret_parent = span_make(name.data, slash - 2 - length);
    return 0;
}

/* The first field of that number, or an empty span. */
static struct span find_bytes(struct span message, uint32_t number)
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

static int read_label(struct span entry, struct store_keys *keys, struct err *err)
{
    struct wire_reader reader = {entry};
    struct wire_field field;
    enum wire_result result;
    struct store_label label = {span_make("", 0), span_make("", 0)};

    if (keys->label_count == LIMIT_LABELS_PER_JOB) {
        return err_set(err, ERR_CORRUPT, "a CustomJob with more than %d labels", LIMIT_LABELS_PER_JOB);
    }
    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.type == WIRE_BYTES && field.number == 1) {
            label.key = field.bytes;
        } else if (field.type == WIRE_BYTES && field.number == 2) {
            label.value = field.bytes;
        }
    }
    if (result == WIRE_BAD) {
        return corrupt("a label", entry, reader.rest, err);
    }
    keys->labels[keys->label_count++] = label;
    return 0;
}

static int read_job_field(const struct wire_field *field, struct store_keys *keys, struct err *err)
{
    if (field->type == WIRE_VARINT && field->number == JOB_FIELD_STATE) {
        keys->state = (uint32_t)field->value;
    } else if (field->type != WIRE_BYTES) {
        return 0;
    } else if (field->number == JOB_FIELD_NAME) {
        keys->name = field->bytes;
    } else if (field->number == JOB_FIELD_DISPLAY_NAME) {
        keys->display_name = field->bytes;
    } else if (field->number == JOB_FIELD_LABELS) {
        return read_label(field->bytes, keys, err);
    } else if (field->number == JOB_FIELD_ENCRYPTION_SPEC) {
        keys->seal_key = find_bytes(field->bytes, ENCRYPTION_SPEC_KEY_NAME);
    } else if (field->number == JOB_FIELD_CREATE_TIME &&
               wire_read_timestamp(field->bytes, &keys->create_time_unix_ns) == WIRE_BAD) {
        return err_set(err, ERR_CORRUPT, "a CustomJob's create_time is no time");
    }
    return 0;
}

static int job_keys(struct span value, struct store_keys *keys, struct err *err)
{
    struct wire_reader reader = {value};
    struct wire_field field;
    enum wire_result result;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (read_job_field(&field, keys, err)) {
            return -1;
        }
    }
    if (result == WIRE_BAD) {
        return corrupt("a CustomJob", value, reader.rest, err);
    }
    return read_parent(keys->name, "customJobs", &keys->parent, err);
}

static bool ends_with(struct span text, const char *end)
{
    size_t size = strlen(end);

    return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

static int read_metadata(struct span any, struct store_keys *keys, struct err *err)
{
    struct span generic = wire_find_bytes(any, ANY_VALUE);

    if (ends_with(wire_find_bytes(any, ANY_TYPE_URL), ".DeleteOperationMetadata")) {
        generic = wire_find_bytes(generic, DELETE_METADATA_GENERIC);
    }
    if (wire_read_timestamp(wire_find_bytes(generic, GENERIC_METADATA_CREATE_TIME), &keys->create_time_unix_ns) ==
        WIRE_BAD) {
        return err_set(err, ERR_CORRUPT, "an Operation's create_time is no time");
    }
    return 0;
}

static int operation_keys(struct span value, struct store_keys *keys, struct err *err)
{
    struct wire_reader reader = {value};
    struct wire_field field;
    enum wire_result result;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.number == OPERATION_NAME && field.type == WIRE_BYTES) {
            keys->name = field.bytes;
        } else if (field.number == OPERATION_DONE && field.type == WIRE_VARINT) {
            keys->state = field.value != 0;
        } else if (field.number == OPERATION_METADATA && field.type == WIRE_BYTES &&
                   read_metadata(field.bytes, keys, err)) {
            return -1;
        }
    }
    if (result == WIRE_BAD) {
        return corrupt("an Operation", value, reader.rest, err);
    }
    return read_parent(keys->name, "operations", &keys->parent, err);
}

int job_keys_extract(enum store_table table, struct span value, struct store_keys *ret_keys, struct err *err)
{
    switch (table) {
    case STORE_TABLE_JOB:
        return job_keys(value, ret_keys, err);
    case STORE_TABLE_OPERATION:
        return operation_keys(value, ret_keys, err);
    case STORE_TABLE_EXECUTION:
        ret_keys->seal_key = find_bytes(value, EXECUTION_KEY_NAME);
        return 0;
    case STORE_TABLE_REQUEST_ID:
        ret_keys->seal_key = find_bytes(value, REQUEST_ID_KEY_NAME);
        return 0;
    }
    return err_set(err, ERR_CORRUPT, "there is no table %d", (int)table);
}
