#include <pthread.h>
#include <stdio.h>

#include "base/limits.h"
#include "google/cloud/aiplatform/v1beta1/custom_job.upbdefs.h"
#include "job/job_spec_check.h"
#include "job/job_spec_text.h"
#include "job/wire.h"
#include "upb/decode.h"
#include "upb/def.h"

/* A message has fewer fields than this; for those beyond, no index is told. */
#define FIELDS_MAX 32
#define PATH_BYTES 256

/* The walk through bytes that did not decode. Says on its way back whether it found why. */
struct walk {
    struct span whole;
    struct err *err;
};

static const upb_MessageDef *custom_job_def;
static pthread_once_t def_once = PTHREAD_ONCE_INIT;

/* Built at the first request that needs it, and kept: its parts point into each other. */
static void open_def(void)
{
    upb_DefPool *pool = upb_DefPool_New();

    if (pool) {
        custom_job_def = google_cloud_aiplatform_v1beta1_CustomJob_getmsgdef(pool);
    }
}

static size_t offset_of(const struct walk *walk, const char *at)
{
    return at ? (size_t)(at - walk->whole.data) : walk->whole.size;
}

static bool walk_message(const struct walk *walk, const upb_MessageDef *def, struct span bytes, const char *path,
                         int depth);

static bool walk_field(const struct walk *walk, const upb_FieldDef *def, const struct wire_field *field,
                       const char *path, int depth)
{
    size_t valid;

    if (field->type != WIRE_BYTES) {
        return false;
    }
    if (upb_FieldDef_IsSubMessage(def)) {
        return walk_message(walk, upb_FieldDef_MessageSubDef(def), field->bytes, path, depth - 1);
    }
    valid = text_utf8_bytes(field->bytes);
    if (upb_FieldDef_Type(def) != kUpb_FieldType_String || valid == field->bytes.size) {
        return false;
    }
    err_set(walk->err, ERR_INVALID, "%s is not valid UTF-8: byte %zu of its %zu", path, valid, field->bytes.size);
    return true;
}

static void extend(char path[PATH_BYTES], const char *outer, const upb_FieldDef *def, uint32_t seen)
{
    const char *dot = outer[0] ? "." : "";

    if (upb_FieldDef_IsRepeated(def) && !upb_FieldDef_IsMap(def)) {
        snprintf(path, PATH_BYTES, "%s%s%s[%u]", outer, dot, upb_FieldDef_Name(def), seen);
    } else {
        snprintf(path, PATH_BYTES, "%s%s%s", outer, dot, upb_FieldDef_Name(def));
    }
}

static bool walk_message(const struct walk *walk, const upb_MessageDef *def, struct span bytes, const char *path,
                         int depth)
{
    struct wire_reader reader = {bytes};
    struct wire_field field;
    enum wire_result result;
    uint32_t seen[FIELDS_MAX] = {0};

    while (depth > 0 && (result = wire_next(&reader, &field)) != WIRE_END) {
        const upb_FieldDef *field_def;
        char inner[PATH_BYTES];
        uint32_t index;

        if (result == WIRE_BAD) {
            err_set(walk->err, ERR_INVALID, "%s%sthe bytes at offset %zu of %zu are no protobuf field", path,
                    path[0] ? ": " : "", offset_of(walk, reader.rest.data), walk->whole.size);
            return true;
        }
        field_def = upb_MessageDef_FindFieldByNumber(def, field.number);
        if (!field_def) {
            continue;
        }
        index = upb_FieldDef_Index(field_def);
        extend(inner, path, field_def, index < FIELDS_MAX ? seen[index]++ : 0);
        if (walk_field(walk, field_def, &field, inner, depth)) {
            return true;
        }
    }
    return false;
}

void job_spec_fault(struct span custom_job_wire, int decode_status, struct err *err)
{
    const struct walk walk = {custom_job_wire, err};

    if (decode_status == (int)kUpb_DecodeStatus_MaxDepthExceeded) {
        err_set(err, ERR_INVALID, "the CustomJob is nested deeper than %d levels", LIMIT_REQUEST_DEPTH);
        return;
    }
    pthread_once(&def_once, open_def);
    if (!custom_job_def || !walk_message(&walk, custom_job_def, custom_job_wire, "", LIMIT_REQUEST_DEPTH)) {
        err_set(err, ERR_INVALID, "the CustomJob of %zu bytes is not valid protobuf", custom_job_wire.size);
    }
}
