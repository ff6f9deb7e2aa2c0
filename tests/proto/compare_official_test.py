#!/usr/bin/env python3
"""compare_official_test: does compare_official.py see what it says it sees?

Usage    tests/proto/compare_official_test.py --build-dir build
Method   Each row breaks a copy of proto/ in one place, once for every kind of fact, and tells the differences that must
         be reported: these and no others.
Exit     0 all rows hold; 1 some do not, a line each; 2 the comparison could not be made.
"""

import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # The source tree stays as it is.

import compare_official
import official_protos

JOB = "google/cloud/aiplatform/v1/custom_job.proto"
JOB_BETA = "google/cloud/aiplatform/v1beta1/custom_job.proto"
SERVICE = "google/cloud/aiplatform/v1/job_service.proto"
SERVICE_BETA = "google/cloud/aiplatform/v1beta1/job_service.proto"
MACHINE_BETA = "google/cloud/aiplatform/v1beta1/machine_resources.proto"
STATE = "google/cloud/aiplatform/v1/job_state.proto"
OPERATIONS = "google/longrunning/operations.proto"
V1 = "google.cloud.aiplatform.v1"
BETA = "google.cloud.aiplatform.v1beta1"

# What is broken: file, text, text in its place. What must be reported: the beginning of each line, in order.
ROWS = [
    ("field number", JOB, "string service_account = 4", "string service_account = 44",
     [f"field {V1}.CustomJobSpec.service_account: number: ours 44, official 4"]),
    ("field name", "google/rpc/status.proto", "string message = 2", "string text = 2",
     ["field google.rpc.Status.text: not in", "field google.rpc.Status.message: missing"]),
    ("JSON name", "google/rpc/status.proto", "int32 code = 1", 'int32 code = 1 [json_name = "kode"]',
     ["field google.rpc.Status.code: json_name: ours kode, official code"]),
    ("field type", MACHINE_BETA, "int32 multihost_gpu_node_count", "int64 multihost_gpu_node_count",
     [f"field {BETA}.MachineSpec.multihost_gpu_node_count: type: ours TYPE_INT64, official TYPE_INT32"]),
    ("message type", OPERATIONS, "google.protobuf.Any response = 5", "google.rpc.Status response = 5",
     ["field google.longrunning.Operation.response: type_name: ours .google.rpc.Status, official .google.protobuf"]),
    ("label", JOB, "repeated string command = 2", "string command = 2",
     [f"field {V1}.ContainerSpec.command: label: ours LABEL_OPTIONAL, official LABEL_REPEATED"]),
    ("presence", "google/rpc/error_details.proto", "optional int64 future", "int64 future",
     ["field google.rpc.QuotaFailure.Violation.future_quota_value: oneof",
      "field google.rpc.QuotaFailure.Violation.future_quota_value: proto3_optional: ours False, official True",
      "oneof google.rpc.QuotaFailure.Violation._future_quota_value: missing"]),
    ("field left out", JOB_BETA, "  DiskSpec disk_spec = 5;\n", "",
     [f"field {BETA}.WorkerPoolSpec.disk_spec: missing"]),
    ("oneof", "google/api/http.proto", "  oneof pattern {", "  oneof form {",
     [f"field google.api.HttpRule.{verb}: oneof: ours form, official pattern"
      for verb in ("get", "put", "post", "delete", "patch", "custom")]
     + ["oneof google.api.HttpRule.form: not in", "oneof google.api.HttpRule.pattern: missing"]),
    ("enum number", STATE, "JOB_STATE_EXPIRED = 9", "JOB_STATE_EXPIRED = 12",
     [f"enum value {V1}.JobState.JOB_STATE_EXPIRED: number: ours 12, official 9"]),
    ("enum value left out", STATE, "  JOB_STATE_UPDATING = 10;\n", "",
     [f"enum value {V1}.JobState.JOB_STATE_UPDATING: missing"]),
    ("deprecation", JOB, "LOW_COST = 2 [deprecated = true]", "LOW_COST = 2",
     [f"enum value {V1}.Scheduling.Strategy.LOW_COST: option deprecated: ours <none>, official True"]),
    ("http rule", SERVICE_BETA, 'delete: "/v1beta1/{name', 'delete: "/v1/{name',
     [f"method {BETA}.JobService.DeleteCustomJob: option (google.api.http): ours"]),
    ("second http binding", "google/cloud/location/locations.proto",
     '      additional_bindings { get: "/v1/{name=projects/*}/locations" }\n', "",
     ["method google.cloud.location.Locations.ListLocations: option (google.api.http): ours"]),
    ("method signature", SERVICE, '"parent,custom_job"', '"parent"',
     [f"method {V1}.JobService.CreateCustomJob: option (google.api.method_signature): ours ['parent'], "
      "official ['parent,custom_job']"]),
    ("operation_info", SERVICE, 'metadata_type: "DeleteOperationMetadata"', 'metadata_type: "GenericOperationMetadata"',
     [f"method {V1}.JobService.DeleteCustomJob: option (google.longrunning.operation_info): ours"]),
    ("field behaviour", JOB_BETA, "string display_name = 2 [(google.api.field_behavior) = REQUIRED]",
     "string display_name = 2",
     [f"field {BETA}.CustomJob.display_name: option (google.api.field_behavior): ours <none>, official [REQUIRED]"]),
    ("resource", JOB, "customJobs/{custom_job}", "customJobs/{job}",
     [f"message {V1}.CustomJob: option (google.api.resource): ours"]),
    ("resource reference", JOB, "aiplatform.googleapis.com/Model", "aiplatform.googleapis.com/Modell",
     [f"field {V1}.CustomJobSpec.models: option (google.api.resource_reference): ours"]),
    ("resource definition", "google/cloud/aiplatform/v1/service_networking.proto", "networkAttachments/{", "nets/{",
     ["file google/cloud/aiplatform/v1/service_networking.proto: option (google.api.resource_definition): ours"]),
    ("default host", OPERATIONS, "longrunning.googleapis.com", "localhost",
     ["service google.longrunning.Operations: option (google.api.default_host): ours 'localhost'"]),
    ("method input", "grpc/health/v1/health.proto", "Check(HealthCheckRequest)", "Check(HealthListRequest)",
     ["method grpc.health.v1.Health.Check: input: ours .grpc.health.v1.HealthListRequest"]),
    ("method output", SERVICE, "returns (google.protobuf.Empty)", "returns (CustomJob)",
     [f"method {V1}.JobService.CancelCustomJob: output: ours .{V1}.CustomJob, official .google.protobuf.Empty"]),
    ("server streaming", "grpc/health/v1/health.proto", "returns (stream HealthCheckResponse)",
     "returns (HealthCheckResponse)",
     ["method grpc.health.v1.Health.Watch: server streaming: ours False, official True"]),
    ("client streaming", "grpc/reflection/v1alpha/reflection.proto", "(stream ServerReflectionRequest)",
     "(ServerReflectionRequest)",
     ["method grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo: client streaming: ours False"]),
    ("method left out", OPERATIONS, "  rpc WaitOperation(WaitOperationRequest) returns (Operation) {}\n", "",
     ["method google.longrunning.Operations.WaitOperation: missing"]),
    ("extension number", "google/api/annotations.proto", "http = 72295728", "http = 72295729",
     ["extension google.api.http: number: ours 72295729, official 72295728"]),
    ("message of our own", "google/rpc/code.proto", "enum Code {", "message Own {}\nenum Code {",
     ["message google.rpc.Own: not in"]),
    ("listed method left out", compare_official.METHODS_DEF, "METHOD(CreateNasJob)\n", "",
     [f"method {package}.JobService.CreateNasJob: missing" for package in (V1, BETA)]),
    ("listed method unknown", compare_official.METHODS_DEF, "METHOD(GetNasJob)\n", "METHOD(GetNasJob)\nMETHOD(Nap)\n",
     [f"method {package}.JobService.Nap: in job_service_methods.def, not" for package in (V1, BETA)]),
    ("listed method twice", compare_official.METHODS_DEF, "METHOD(GetNasJob)\n", "METHOD(GetNasJob)\n" * 2,
     [f"method {package}.JobService.GetNasJob: 2 times" for package in (V1, BETA)]),
    ("listed method declared", compare_official.METHODS_DEF, "METHOD(GetNasJob)\n",
     "METHOD(GetNasJob)\nMETHOD(GetCustomJob)\n",
     [f"method {package}.JobService.GetCustomJob: both" for package in (V1, BETA)]),
]


def broken_differences(file, old, new, official, files):
    """What is reported when `old` stands as `new` in a copy of our folder."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "proto"
        shutil.copytree(official_protos.OUR_ROOT, root)
        text = (root / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise official_protos.CannotCompare(f"{file} has {text.count(old)} times, not once: {old}")
        (root / file).write_text(text.replace(old, new), encoding="utf-8")
        return compare_official.compare_root(root, compare_official.load([root], files), official)


def main():
    work = compare_official.parse_arguments(__doc__)
    compare_official.enter_environment(work)
    files = official_protos.declared_files(official_protos.OUR_ROOT)
    official = compare_official.load_official(work, files)
    failed = 0
    for what, file, old, new, expected in ROWS:
        found = broken_differences(file, old, new, official, files)
        if len(found) != len(expected) or not all(line.startswith(start) for line, start in zip(found, expected)):
            failed += 1
            print(f"FAILED {what}\n  expected " + "\n           ".join(expected) + "\n  reported "
                  + "\n           ".join(found or ["nothing"]))
    print(f"{len(ROWS)} kinds of difference tried, {failed} not reported as they should be")
    return 1 if failed else 0


if __name__ == "__main__":
    compare_official.exit_with(main)
