#include "server/request_decode.h"

#include "base/limits.h"
#include "google/cloud/aiplatform/v1beta1/job_service.upb.h"
#include "job/api.h"
#include "job/job_spec_text.h"
#include "job/wire.h"
#include "upb/decode.h"

enum { FIELD_NAME = 1 };
enum { CREATE_FIELD_PARENT = 1, CREATE_FIELD_CUSTOM_JOB = 2 };

static int refuse(upb_DecodeStatus status, size_t size, struct err *err)
{
    switch (status) {
    case kUpb_DecodeStatus_OutOfMemory:
        return err_set(err, ERR_EXHAUSTED, "no memory to read a request of %zu bytes", size);
    case kUpb_DecodeStatus_BadUtf8:
        return err_set(err, ERR_INVALID, "The request has a string field that is not valid UTF-8.");
    case kUpb_DecodeStatus_MaxDepthExceeded:
        return err_set(err, ERR_INVALID, "The request has messages nested deeper than %d.", LIMIT_REQUEST_DEPTH);
    default:
        return err_set(err, ERR_INVALID, "The request's %zu bytes are not a well-formed protobuf message.", size);
    }
}

int request_decode(struct span bytes, void *message, const struct upb_MiniTable *layout, struct upb_Arena *arena,
                   struct err *err)
{
    const int options = kUpb_DecodeOption_AliasString | UPB_DECODE_MAXDEPTH(LIMIT_REQUEST_DEPTH);
    upb_DecodeStatus status = kUpb_DecodeStatus_OutOfMemory;

    if (message) {
        status = upb_Decode(bytes.data, bytes.size, message, layout, NULL, options, arena);
    }
    return status == kUpb_DecodeStatus_Ok ? 0 : refuse(status, bytes.size, err);
}

static bool is_ascii(struct span text)
{
    unsigned char all = 0;

    for (size_t i = 0; i < text.size; i++) {
        all |= (unsigned char)text.data[i];
    }
    return all < 0x80;
}

/* False: not as simple as that. */
static bool read_name_simply(struct span bytes, struct span *ret_name)
{
    struct wire_reader reader = {bytes};
    struct wire_field field;
    struct span name = {"", 0};
    enum wire_result result;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.number == FIELD_NAME && field.type == WIRE_BYTES) {
            if (!is_ascii(field.bytes)) {
                return false;
            }
            name = field.bytes;
        }
    }
    if (result == WIRE_END) {
        *ret_name = name;
    }
    return result == WIRE_END;
}

int request_read_name(struct span bytes, struct upb_Arena *arena, struct span *ret_name, struct err *err)
{
    API(GetCustomJobRequest) * request;

    if (read_name_simply(bytes, ret_name)) {
        return 0;
    }
    request = API(GetCustomJobRequest_new)(arena);
    if (request_decode(bytes, request, &API(GetCustomJobRequest_msginit), arena, err)) {
        return -1;
    }
    *ret_name = api_span(API(GetCustomJobRequest_name)(request));
    return 0;
}

/* A message may come in pieces, which are one when put behind each other. */
static int join_pieces(struct span bytes, struct upb_Arena *arena, size_t size, struct span *ret_job, struct err *err)
{
    struct wire_reader reader = {bytes};
    struct wire_field field;
    char *job = upb_Arena_Malloc(arena, size);
    char *at = job;

    if (!job) {
        return refuse(kUpb_DecodeStatus_OutOfMemory, bytes.size, err);
    }
    while (wire_next(&reader, &field) == WIRE_FIELD) {
        if (field.number == CREATE_FIELD_CUSTOM_JOB && field.type == WIRE_BYTES && field.bytes.size > 0) {
            memcpy(at, field.bytes.data, field.bytes.size);
            at += field.bytes.size;
        }
    }
    *ret_job = span_make(job, size);
    return 0;
}

/* Without upb: a job that nobody has looked at may hold what libupb 1.51.1 does not survive (job_spec.c tells). */
int request_read_create(struct span bytes, struct upb_Arena *arena, struct create_request *ret_request, struct err *err)
{
    struct create_request request = {.parent = {"", 0}, .custom_job_wire = {"", 0}};
    struct wire_reader reader = {bytes};
    struct wire_field field;
    enum wire_result result;
    size_t job_bytes = 0;

    while ((result = wire_next(&reader, &field)) == WIRE_FIELD) {
        if (field.number == CREATE_FIELD_PARENT && field.type == WIRE_BYTES) {
            if (text_utf8_bytes(field.bytes) != field.bytes.size) {
                return refuse(kUpb_DecodeStatus_BadUtf8, bytes.size, err);
            }
            request.parent = field.bytes;
        } else if (field.number == CREATE_FIELD_CUSTOM_JOB && field.type == WIRE_BYTES) {
            request.has_custom_job = true;
            request.custom_job_wire = field.bytes;
            job_bytes += field.bytes.size;
        }
    }
    if (result == WIRE_BAD) {
        return refuse(kUpb_DecodeStatus_Malformed, bytes.size, err);
    }
    if (job_bytes != request.custom_job_wire.size &&
        join_pieces(bytes, arena, job_bytes, &request.custom_job_wire, err)) {
        return -1;
    }
    *ret_request = request;
    return 0;
}
