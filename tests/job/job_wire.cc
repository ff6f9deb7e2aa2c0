#include "job_wire.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "customjobd/store/v1/execution.upbdefs.h"
#include "google/cloud/aiplatform/v1/operation.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/custom_job.upbdefs.h"
#include "google/cloud/aiplatform/v1beta1/operation.upbdefs.h"
#include "google/longrunning/operations.upbdefs.h"
#include "google/protobuf/empty.upbdefs.h"
#include "upb/decode.h"
#include "upb/def.h"
#include "upb/encode.h"
#include "upb/json_decode.h"
#include "upb/json_encode.h"
#include "upb/reflection.h"

namespace {

const upb_DefPool *pool()
{
    static upb_DefPool *made = [] {
        upb_DefPool *defs = upb_DefPool_New();
        google_cloud_aiplatform_v1_DeleteOperationMetadata_getmsgdef(defs);
        google_cloud_aiplatform_v1beta1_DeleteOperationMetadata_getmsgdef(defs);
        google_protobuf_Empty_getmsgdef(defs);
        google_cloud_aiplatform_v1beta1_CustomJob_getmsgdef(defs);
        google_longrunning_Operation_getmsgdef(defs);
        customjobd_store_v1_JobExecution_getmsgdef(defs);
        return defs;
    }();
    return made;
}

const upb_MessageDef *message(const char *name)
{
    return upb_DefPool_FindMessageByName(pool(), name);
}

[[noreturn]] void die(const char *what, const upb_Status *status)
{
    fprintf(stderr, "%s: %s\n", what, upb_Status_ErrorMessage(status));
    abort();
}

std::string to_json(const char *name, struct span wire)
{
    const upb_MessageDef *def = message(name);
    upb_Arena *arena = upb_Arena_New();
    upb_Message *msg = upb_Message_New(def, arena);
    upb_Status status;
    std::vector<char> text(64 + 32 * wire.size);

    upb_Status_Clear(&status);
    if (upb_Decode(wire.data, wire.size, msg, upb_MessageDef_MiniTable(def), nullptr, 0, arena) !=
        kUpb_DecodeStatus_Ok) {
        die("cannot decode", &status);
    }
    size_t size = upb_JsonEncode(msg, def, pool(), 0, text.data(), text.size(), &status);
    if (!upb_Status_IsOk(&status)) {
        die("no JSON", &status);
    }
    upb_Arena_Free(arena);
    return std::string(text.data(), size);
}

} /* namespace */

std::string job_wire(const std::string &json)
{
    const upb_MessageDef *def = message("google.cloud.aiplatform.v1beta1.CustomJob");
    upb_Arena *arena = upb_Arena_New();
    upb_Message *msg = upb_Message_New(def, arena);
    upb_Status status;
    char *bytes = nullptr;
    size_t size = 0;

    upb_Status_Clear(&status);
    if (!upb_JsonDecode(json.data(), json.size(), msg, def, pool(), 0, arena, &status)) {
        die(json.c_str(), &status);
    }
    if (upb_Encode(msg, upb_MessageDef_MiniTable(def), kUpb_EncodeOption_Deterministic, arena, &bytes, &size) !=
        kUpb_EncodeStatus_Ok) {
        die("cannot encode", &status);
    }
    std::string wire(bytes, size);
    upb_Arena_Free(arena);
    return wire;
}

std::string job_json(struct span wire)
{
    return to_json("google.cloud.aiplatform.v1beta1.CustomJob", wire);
}

std::string operation_json(struct span wire)
{
    return to_json("google.longrunning.Operation", wire);
}

std::string execution_json(struct span wire)
{
    return to_json("customjobd.store.v1.JobExecution", wire);
}

std::string simple_job(int replicas, const std::string &scheduling, const std::string &extra)
{
    std::string container = R"("containerSpec":{"imageUri":"i","command":["true"]})";
    std::string pools = R"({"replicaCount":"1",)" + container + "}";

    if (replicas > 1) {
        pools += R"(,{"replicaCount":")" + std::to_string(replicas - 1) + "\"," + container + "}";
    }
    return job_wire(R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[)" + pools + "]" +
                    (scheduling.empty() ? "" : ",\"scheduling\":{" + scheduling + "}") + "}" + extra + "}");
}
