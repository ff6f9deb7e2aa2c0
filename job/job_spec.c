#include "job/job_spec.h"

#include "base/limits.h"
#include "google/cloud/aiplatform/v1beta1/job_service.upb.h"
#include "job/job_spec_check.h"
#include "job/job_spec_text.h"
#include "job/wire.h"
#include "upb/decode.h"
#include "upb/encode.h"

/* libupb 1.51.1 moves the last 16 bytes of its input elsewhere before it reads them, and measures a map entry with
 * unknown fields from one place to the other when the entry ends there: an abort, or worse. So the job is decoded as
 * part of a request that ends with 16 bytes more than the job. */
enum { FIELD_LABELS = 11, FIELD_WEB_ACCESS_URIS = 16 };
enum { CREATE_FIELD_CUSTOM_JOB = 2, FIELD_OF_NO_MESSAGE = 19000, PADDING_BYTES = 16, HEAD_BYTES_MAX = 16 };

static int pad(struct span wire, upb_Arena *arena, struct span *ret_padded, struct err *err)
{
    char *bytes = upb_Arena_Malloc(arena, wire.size + PADDING_BYTES + 2 * HEAD_BYTES_MAX);
    char *at;

    if (!bytes) {
        return err_set(err, ERR_EXHAUSTED, "no memory to decode a CustomJob of %zu bytes", wire.size);
    }
    at = wire_put_head(bytes, CREATE_FIELD_CUSTOM_JOB, wire.size);
    if (wire.size > 0) {
        memcpy(at, wire.data, wire.size);
    }
    at = wire_put_head(at + wire.size, FIELD_OF_NO_MESSAGE, PADDING_BYTES);
    memset(at, 0, PADDING_BYTES);
    *ret_padded = span_make(bytes, (size_t)(at + PADDING_BYTES - bytes));
    return 0;
}

/* The generator of libupb 1.51.1 makes bytes of the keys and values of maps, so nobody has looked at them. */
static bool are_maps_utf8(struct span job_wire)
{
    struct wire_reader job = {job_wire};
    struct wire_field map, entry;

    while (wire_next(&job, &map) == WIRE_FIELD) {
        struct wire_reader reader = {map.bytes};

        if (map.type != WIRE_BYTES || (map.number != FIELD_LABELS && map.number != FIELD_WEB_ACCESS_URIS)) {
            continue;
        }
        while (wire_next(&reader, &entry) == WIRE_FIELD) {
            if (entry.type == WIRE_BYTES && entry.number <= 2 && text_utf8_bytes(entry.bytes) != entry.bytes.size) {
                return false;
            }
        }
    }
    return true;
}

static int decode(struct span wire, upb_Arena *arena, API(CustomJob) * *ret_job, struct err *err)
{
    API(CreateCustomJobRequest) *request = API(CreateCustomJobRequest_new)(arena);
    upb_DecodeStatus status = kUpb_DecodeStatus_OutOfMemory;
    struct span padded = {0};

    if (pad(wire, arena, &padded, err)) {
        return -1;
    }
    if (request) {
        status = upb_Decode(padded.data, padded.size, request, &API(CreateCustomJobRequest_msginit), NULL,
                            kUpb_DecodeOption_AliasString | UPB_DECODE_MAXDEPTH(LIMIT_REQUEST_DEPTH + 1), arena);
    }
    if (status == kUpb_DecodeStatus_OutOfMemory) {
        return err_set(err, ERR_EXHAUSTED, "no memory to decode a CustomJob of %zu bytes", wire.size);
    }
    if (status == kUpb_DecodeStatus_Ok && !are_maps_utf8(wire)) {
        status = kUpb_DecodeStatus_BadUtf8;
    }
    if (status != kUpb_DecodeStatus_Ok) {
        job_spec_fault(wire, (int)status, err);
        return -1;
    }
    *ret_job = API(CreateCustomJobRequest_mutable_custom_job)(request, arena);
    return 0;
}

/* Every OUTPUT_ONLY field there is in a CustomJob; its parts have none. */
static void clear_outputs(API(CustomJob) * job)
{
    API(CustomJob_clear_name)(job);
    API(CustomJob_clear_state)(job);
    API(CustomJob_clear_create_time)(job);
    API(CustomJob_clear_start_time)(job);
    API(CustomJob_clear_end_time)(job);
    API(CustomJob_clear_update_time)(job);
    API(CustomJob_clear_error)(job);
    API(CustomJob_clear_web_access_uris)(job);
    API(CustomJob_clear_satisfies_pzs)(job);
    API(CustomJob_clear_satisfies_pzi)(job);
}

/* What v1 does not know is dropped from a v1 request as any unknown field is. */
static void clear_beta_fields(const API(CustomJob) * job)
{
    const API(CustomJobSpec) *spec = API(CustomJob_job_spec)(job);
    const API(WorkerPoolSpec) *const *pools = NULL;
    size_t count = 0;

    if (spec) {
        pools = API(CustomJobSpec_worker_pool_specs)(spec, &count);
    }
    for (size_t i = 0; i < count; i++) {
        const API(MachineSpec) *machine = API(WorkerPoolSpec_machine_spec)(pools[i]);

        if (machine) {
            API(MachineSpec_clear_multihost_gpu_node_count)(machine);
            API(MachineSpec_clear_min_gpu_driver_version)(machine);
        }
    }
}

static int encode(const API(CustomJob) * job, upb_Arena *arena, struct span *ret_wire, struct err *err)
{
    char *bytes = NULL;
    size_t size = 0;

    if (upb_Encode(job, &API(CustomJob_msginit),
                   kUpb_EncodeOption_Deterministic | kUpb_EncodeOption_SkipUnknown |
                       UPB_ENCODE_MAXDEPTH(LIMIT_REQUEST_DEPTH),
                   arena, &bytes, &size) != kUpb_EncodeStatus_Ok) {
        return err_set(err, ERR_EXHAUSTED, "no memory to encode a CustomJob");
    }
    *ret_wire = span_make(bytes, size);
    return 0;
}

int job_spec_prepare(const struct job_spec_rules *rules, enum api_version version, struct span custom_job_wire,
                     struct upb_Arena *arena, struct violations *violations, struct job_spec_prepared *ret_prepared,
                     struct err *err)
{
    struct job_spec_check check = {rules, violations, 0};
    size_t violations_before = violations->count;
    struct job_spec_prepared prepared = {0};
    API(CustomJob) *job = NULL;

    if (decode(custom_job_wire, arena, &job, err)) {
        return -1;
    }
    clear_outputs(job);
    if (version == API_V1) {
        clear_beta_fields(job);
    }
    job_spec_check_job(&check, job);
    if (violations->count == violations_before) {
        job_spec_check_machines(&check, job);
    }
    if (violations->count != violations_before) {
        return 0;
    }
    if (job_spec_need_key(rules, job, err) || encode(job, arena, &prepared.wire, err)) {
        return -1;
    }
    prepared.custom_job = job;
    prepared.replica_count = (uint32_t)check.replica_count;
    if (prepared.wire.size > LIMIT_PAGE_BYTES) {
        violations_add(violations, "job_spec",
                       "The CustomJob has %zu bytes; at most %d are taken, so that any client can read it back.",
                       prepared.wire.size, LIMIT_PAGE_BYTES);
        return 0;
    }
    if (job_spec_trial(&prepared, violations, err)) {
        return -1;
    }
    if (violations->count == violations_before) {
        *ret_prepared = prepared;
    }
    return 0;
}
