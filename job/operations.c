#include "job/operations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "google/cloud/aiplatform/v1beta1/operation.upb.h"
#include "google/longrunning/operations.upb.h"
#include "google/protobuf/any.upb.h"
#include "google/rpc/status.upb.h"
#include "job/job_name.h"
#include "job/pb_time.h"
#include "job/wire.h"

#define LRO(name) google_longrunning_Operation_##name

/* google.rpc.Code INTERNAL: the only way in which an operation of ours can fail. */
#define CODE_INTERNAL 13

static const char *metadata_type(enum operation_kind kind, enum api_version version)
{
    static const char *const types[2][2] = {
        {"type.googleapis.com/google.cloud.aiplatform.v1.GenericOperationMetadata",
         "type.googleapis.com/google.cloud.aiplatform.v1beta1.GenericOperationMetadata"},
        {"type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata",
         "type.googleapis.com/google.cloud.aiplatform.v1beta1.DeleteOperationMetadata"}};

    return types[kind == OPERATION_DELETE][version == API_V1BETA1];
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_EXHAUSTED, "no memory for an operation");
}

struct operation *operation_create(enum operation_kind kind, uint64_t id, struct span parent, enum api_version version,
                                   int64_t create_time_unix_ns, struct err *err)
{
    struct operation *operation = calloc(1, sizeof *operation);

    if (!operation || asprintf(&operation->name, "%.*s/operations/%" PRIu64, SPAN_FORMAT(parent), id) < 0) {
        free(operation);
        no_memory(err);
        return NULL;
    }
    operation->id = id;
    operation->kind = kind;
    operation->version = version;
    operation->create_time_unix_ns = create_time_unix_ns;
    return operation;
}

void operation_destroy(struct operation *operation)
{
    if (operation) {
        free(operation->name);
        free(operation);
    }
}

/* The metadata's bytes; data is NULL when memory is gone. v1 and v1beta1 have the same fields. */
static struct span encode_metadata(const struct operation *operation, int64_t update_time_unix_ns, upb_Arena *arena)
{
    API(DeleteOperationMetadata) *whole = API(DeleteOperationMetadata_new)(arena);
    API(GenericOperationMetadata) *generic =
        whole ? API(DeleteOperationMetadata_mutable_generic_metadata)(whole, arena) : NULL;
    google_protobuf_Timestamp *create = pb_time_make(arena, operation->create_time_unix_ns);
    google_protobuf_Timestamp *update = pb_time_make(arena, update_time_unix_ns);
    size_t size = 0;
    char *bytes;

    if (!generic || !create || !update) {
        return span_make(NULL, 0);
    }
    API(GenericOperationMetadata_set_create_time)(generic, create);
    API(GenericOperationMetadata_set_update_time)(generic, update);
    bytes = operation->kind == OPERATION_DELETE ? API(DeleteOperationMetadata_serialize)(whole, arena, &size)
                                                : API(GenericOperationMetadata_serialize)(generic, arena, &size);
    return span_make(bytes, size);
}

static bool encode_result(google_longrunning_Operation *msg, const struct err *error, upb_Arena *arena)
{
    google_protobuf_Any *response;
    google_rpc_Status *status;

    if (!error) {
        response = LRO(mutable_response)(msg, arena);
        if (response) {
            google_protobuf_Any_set_type_url(response,
                                             upb_StringView_FromString("type.googleapis.com/google.protobuf.Empty"));
        }
        return response;
    }
    status = LRO(mutable_error)(msg, arena);
    if (status) {
        google_rpc_Status_set_code(status, CODE_INTERNAL);
        google_rpc_Status_set_message(status, upb_StringView_FromString(error->text));
    }
    return status;
}

int operation_encode(const struct operation *operation, const struct operation_progress *progress, upb_Arena *arena,
                     struct span *ret_bytes, struct err *err)
{
    google_longrunning_Operation *msg = google_longrunning_Operation_new(arena);
    google_protobuf_Any *metadata = msg ? LRO(mutable_metadata)(msg, arena) : NULL;
    struct span metadata_bytes = encode_metadata(operation, progress->update_time_unix_ns, arena);
    size_t size;
    char *bytes;

    if (!metadata || !metadata_bytes.data) {
        return no_memory(err);
    }
    google_protobuf_Any_set_type_url(metadata,
                                     upb_StringView_FromString(metadata_type(operation->kind, operation->version)));
    google_protobuf_Any_set_value(metadata, api_view(metadata_bytes));
    LRO(set_name)(msg, upb_StringView_FromString(operation->name));
    LRO(set_done)(msg, progress->done);
    if (progress->done && !encode_result(msg, progress->error, arena)) {
        return no_memory(err);
    }
    bytes = LRO(serialize)(msg, arena, &size);
    if (!bytes) {
        return no_memory(err);
    }
    *ret_bytes = span_make(bytes, size);
    return 0;
}

static const API(GenericOperationMetadata) *
    decode_metadata(const google_protobuf_Any *any, enum operation_kind kind, upb_Arena *arena)
{
    struct span value = api_span(google_protobuf_Any_value(any));
    const API(DeleteOperationMetadata) * whole;

    if (kind == OPERATION_CANCEL) {
        return API(GenericOperationMetadata_parse)(value.data, value.size, arena);
    }
    whole = API(DeleteOperationMetadata_parse)(value.data, value.size, arena);
    return whole ? API(DeleteOperationMetadata_generic_metadata)(whole) : NULL;
}

static struct operation *decode(const google_longrunning_Operation *msg, upb_Arena *arena, struct err *err)
{
    const google_protobuf_Any *any = LRO(metadata)(msg);
    struct span name = api_span(LRO(name)(msg));
    struct span parent = name;
    struct span type = any ? api_span(google_protobuf_Any_type_url(any)) : span_make(NULL, 0);
    const API(GenericOperationMetadata) * generic;

    while (parent.size > 0 && parent.data[parent.size - 1] != '/') {
        parent.size--;
    }
    parent.size = parent.size > strlen("/operations/") ? parent.size - strlen("/operations/") : 0;
    for (int kind = OPERATION_CANCEL; kind <= OPERATION_DELETE; kind++) {
        for (int version = API_V1; version <= API_V1BETA1; version++) {
            if (!span_equal_text(type, metadata_type((enum operation_kind)kind, (enum api_version)version))) {
                continue;
            }
            generic = decode_metadata(any, (enum operation_kind)kind, arena);
            if (generic && parent.size > 0) {
                return operation_create((enum operation_kind)kind, job_name_last_id(name), parent,
                                        (enum api_version)version,
                                        pb_time_read(API(GenericOperationMetadata_create_time)(generic)), err);
            }
        }
    }
    err_set(err, ERR_CORRUPT, "operation \"%.*s\" has metadata of no kind of ours", SPAN_FORMAT(name));
    return NULL;
}

struct operation *operation_decode(struct span bytes, struct err *err)
{
    upb_Arena *arena = upb_Arena_New();
    google_longrunning_Operation *msg;
    struct operation *operation = NULL;

    if (!arena) {
        no_memory(err);
        return NULL;
    }
    msg = google_longrunning_Operation_parse(bytes.data, bytes.size, arena);
    if (msg) {
        operation = decode(msg, arena, err);
    } else {
        err_set(err, ERR_CORRUPT, "a stored operation of %zu bytes does not decode", bytes.size);
    }
    upb_Arena_Free(arena);
    return operation;
}

/* Fields of google.longrunning.Operation, of google.protobuf.Any and of the two metadata messages. */
enum { OPERATION_METADATA = 2, ANY_TYPE_URL = 1, ANY_VALUE = 2, DELETE_GENERIC = 1, GENERIC_UPDATE_TIME = 3 };

int64_t operation_update_time(struct span bytes)
{
    struct span any = wire_find_bytes(bytes, OPERATION_METADATA);
    struct span type = wire_find_bytes(any, ANY_TYPE_URL);
    struct span generic = wire_find_bytes(any, ANY_VALUE);
    int64_t time = 0;

    if (span_equal_text(type, metadata_type(OPERATION_DELETE, API_V1)) ||
        span_equal_text(type, metadata_type(OPERATION_DELETE, API_V1BETA1))) {
        generic = wire_find_bytes(generic, DELETE_GENERIC);
    }
    return wire_read_timestamp(wire_find_bytes(generic, GENERIC_UPDATE_TIME), &time) == WIRE_BAD ? 0 : time;
}
