"""What a request should be answered with: the official decoder, and rules written from the API's own comments.

Nothing here looks at the server's code. A prediction is a set of status names; more than one where the contract leaves
it open or where saying which would mean to write the server a second time (a filter damaged at random).
"""

import re
import unicodedata

from google.cloud.aiplatform_v1beta1.types import job_service
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from wire_mutations import WIRE_BYTES, WIRE_END, WIRE_FIXED32, WIRE_FIXED64, WIRE_GROUP, WIRE_VARINT, read_varint

OK, INVALID, NOT_FOUND = {"OK"}, {"INVALID_ARGUMENT"}, {"NOT_FOUND"}
PRECONDITION, UNIMPLEMENTED = {"FAILED_PRECONDITION"}, {"UNIMPLEMENTED"}
EITHER = OK | INVALID

STRING_MAX = 131070
EXEC_MAX = 1 << 20
JOB_MAX = 3 << 20
SCHEDULE_DAYS = 7 * 24 * 3600
REPLICAS_MAX = 50
SERVICES = ("", "google.cloud.aiplatform.v1.JobService", "google.cloud.aiplatform.v1beta1.JobService",
            "google.longrunning.Operations", "google.cloud.location.Locations", "customjobd.v1.Logs",
            "google.logging.v2.LoggingServiceV2")


def own_messages():
    """Messages that no installed package has, by their field numbers."""
    file = descriptor_pb2.FileDescriptorProto(name="fuzz.proto", package="fuzz", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    kinds = descriptor_pb2.FieldDescriptorProto
    shapes = {"HealthCheckRequest": [("service", 1, kinds.TYPE_STRING)],
              "TailRequest": [("name", 1, kinds.TYPE_STRING), ("follow", 2, kinds.TYPE_BOOL),
                              ("replica", 3, kinds.TYPE_STRING), ("tail_lines", 4, kinds.TYPE_INT64),
                              ("since", 5, kinds.TYPE_MESSAGE)]}
    for name, fields in shapes.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
            if kind == kinds.TYPE_MESSAGE:
                added.type_name = ".google.protobuf.Timestamp"
    pool = descriptor_pool.Default()
    pool.Add(file)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"fuzz.{name}")) for name in shapes]


HealthCheckRequest, TailRequest = own_messages()

# v1beta1 has every field of v1; no rule looks at the two it has more.
MESSAGES = {
    "CreateCustomJob": job_service.CreateCustomJobRequest.pb(),
    "GetCustomJob": job_service.GetCustomJobRequest.pb(),
    "ListCustomJobs": job_service.ListCustomJobsRequest.pb(),
    "DeleteCustomJob": job_service.DeleteCustomJobRequest.pb(),
    "CancelCustomJob": job_service.CancelCustomJobRequest.pb(),
    "GetOperation": operations_pb2.GetOperationRequest,
    "ListOperations": operations_pb2.ListOperationsRequest,
    "WaitOperation": operations_pb2.WaitOperationRequest,
    "CancelOperation": operations_pb2.CancelOperationRequest,
    "DeleteOperation": operations_pb2.DeleteOperationRequest,
    "GetLocation": locations_pb2.GetLocationRequest,
    "ListLocations": locations_pb2.ListLocationsRequest,
    "Check": HealthCheckRequest,
    "Tail": TailRequest,
}


def find_zero(data, at, descriptor):
    """Whether a field has the number 0, and where the message or group ends. The official decoder refuses it, but for
    what is inside of unknown groups, which it only skips; here it is refused everywhere."""
    while at < len(data):
        tag = read_varint(data, at)
        number, wire_type, at = tag[0] >> 3, tag[0] & 7, tag[1]
        if number == 0:
            return True, at
        if wire_type == WIRE_END:
            return False, at
        if wire_type == WIRE_GROUP:
            found, at = find_zero(data, at, None)
        else:
            value, after = read_varint(data, at) if wire_type in (WIRE_VARINT, WIRE_BYTES) else (0, at)
            at = after + {WIRE_FIXED64: 8, WIRE_FIXED32: 4, WIRE_BYTES: value}.get(wire_type, 0)
            field = descriptor and descriptor.fields_by_number.get(number)
            inner = field and wire_type == WIRE_BYTES and field.message_type
            found = inner and find_zero(data[after:at], 0, inner)[0]
        if found:
            return True, at
    return False, at


def decode(method, data):
    """The message, or None when the bytes are none."""
    try:
        message = MESSAGES[method].FromString(data)
    except DecodeError:
        return None
    return None if find_zero(data, 0, message.DESCRIPTOR)[0] else message


# ---- names ----

ID = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}"
PROJECT = r"projects/[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}"
LOCATION = re.compile(rf"{PROJECT}/locations/{ID}\Z")
PROJECT_NAME = re.compile(rf"{PROJECT}\Z")
JOB = re.compile(rf"({PROJECT}/locations/{ID})/customJobs/{ID}\Z")
OPERATION = re.compile(rf"({PROJECT}/locations/{ID})(?:/customJobs/{ID})?(/operations/{ID})\Z")


# ---- CustomJob ----

def is_label_char(char):
    if char in "-_" or (char.isascii() and (char.islower() or char.isdigit())):
        return True
    return not char.isascii() and unicodedata.category(char) in ("Ll", "Lo", "Lm", "Mn", "Mc", "Me", "Nd", "Nl")


def is_label_doubtful(text):
    """Letters in circles, and what newer editions of Unicode have made letters since."""
    return any(unicodedata.category(char) in ("So", "Cn") for char in text)


def labels_are_right(labels):
    for key, value in labels.items():
        if not 1 <= len(key) <= 64 or len(value) > 64 or key[0] in "-_":
            return False
        if not all(map(is_label_char, key + value)):
            return False
    return len(labels) <= 64


def leads_out(path):
    return ".." in path.split("/")


def is_bucket_uri(uri):
    return (re.match(r"gs://[^/]", uri) is not None and "\0" not in uri and not leads_out(uri[5:])
            and len(uri.encode()) <= 1252)


def is_package(uri):
    if uri.startswith("gs://"):
        path = uri[5:]
        if path.startswith("/") or "/" not in path or path.endswith("/"):
            return False
    elif uri.startswith("file:///"):
        path = uri[7:]
    elif uri.startswith("/"):
        path = uri
    else:
        return False
    return not leads_out(path) and is_string(uri)


def is_string(text):
    return "\0" not in text and len(text.encode()) <= STRING_MAX


def env_is_right(env):
    if len(env) > 100:
        return False
    return all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", each.name) and len(each.name) <= 1024 and each.value
               and is_string(f"{each.name}={each.value}") for each in env)


def exec_bytes(strings, env):
    return (sum(len(text.encode()) + 9 for text in strings)
            + sum(len(each.name.encode()) + len(each.value.encode()) + 10 for each in env))


def program_is_right(pool):
    kind = pool.WhichOneof("task")
    if kind == "container_spec":
        spec = pool.container_spec
        strings = [*spec.command, *spec.args]
        # The simulate executor runs no program and needs no command; a first word there must still be one.
        right = spec.image_uri and is_string(spec.image_uri) and not (spec.command and not spec.command[0])
    elif kind == "python_package_spec":
        spec = pool.python_package_spec
        strings = list(spec.args)
        right = (spec.executor_image_uri and is_string(spec.executor_image_uri)
                 and spec.python_module and is_string(spec.python_module)
                 and 1 <= len(spec.package_uris) <= 100 and all(map(is_package, spec.package_uris)))
    else:
        return False
    return (right and all(map(is_string, strings)) and env_is_right(spec.env)
            and exec_bytes(strings, spec.env) <= EXEC_MAX)


def machine_is_right(machine):
    if not 0 <= machine.accelerator_type <= 18 or machine.accelerator_count < 0:
        return False
    if (machine.accelerator_type == 0) != (machine.accelerator_count == 0):
        return False
    return (not machine.HasField("reservation_affinity")
            or 1 <= machine.reservation_affinity.reservation_affinity_type <= 3)


def is_skipped(pool):
    return not pool.replica_count and not pool.nfs_mounts and not pool.lustre_mounts and not any(
        pool.HasField(name) for name in ("machine_spec", "disk_spec", "container_spec", "python_package_spec"))


def replicas_of(pools):
    return sum(max(1, pool.replica_count) for pool in pools if not is_skipped(pool))


def pools_are_right(pools):
    if not 1 <= len(pools) <= 4 or is_skipped(pools[0]) or pools[0].replica_count > 1:
        return False
    used = [pool for pool in pools if not is_skipped(pool)]
    for pool in used:
        if pool.replica_count < 0 or pool.nfs_mounts or pool.lustre_mounts or pool.disk_spec.boot_disk_size_gb < 0:
            return False
        if not program_is_right(pool) or not machine_is_right(pool.machine_spec):
            return False
    return replicas_of(used) <= REPLICAS_MAX


def is_duration(duration):
    return (abs(duration.seconds) <= 315576000000 and abs(duration.nanos) <= 999999999
            and duration.seconds * duration.nanos >= 0 and duration.seconds >= 0 and duration.nanos >= 0)


def scheduling_is_right(spec):
    scheduling = spec.scheduling
    if scheduling.strategy not in (0, 1, 2, 3, 4, 6):
        return False
    if scheduling.HasField("timeout"):
        timeout = scheduling.timeout
        if not is_duration(timeout) or (timeout.seconds, timeout.nanos) == (0, 0):
            return False
        if scheduling.strategy == 6 and (timeout.seconds, timeout.nanos) > (SCHEDULE_DAYS, 0):
            return False
    if scheduling.strategy == 6:
        tasked = [pool for pool in spec.worker_pool_specs[1:] if pool.WhichOneof("task")]
        machines = {(pool.HasField("machine_spec"), pool.machine_spec.machine_type, pool.machine_spec.accelerator_type,
                     pool.machine_spec.accelerator_count) for pool in [*spec.worker_pool_specs[:1], *tasked]}
        if len(machines) > 1:
            return False
    return is_duration(scheduling.max_wait_duration)


def spec_is_right(spec):
    if not pools_are_right(spec.worker_pool_specs) or not scheduling_is_right(spec):
        return False
    if spec.HasField("base_output_directory") and not is_bucket_uri(spec.base_output_directory.output_uri_prefix):
        return False
    if spec.enable_web_access or (spec.tensorboard and not spec.service_account):
        return False
    return all(peering.domain and peering.target_project and peering.target_network
               for peering in spec.psc_interface_config.dns_peering_configs)


def is_plan_doubtful(spec):
    """Large enough for what $(VAR) expands to, or for quoting in CLUSTER_SPEC, to decide."""
    return spec.ByteSize() > 20000


def job_of(job):
    """The prediction for a CustomJob that decodes."""
    spec = job.job_spec
    if (not 1 <= len(job.display_name) <= 128 or job.HasField("encryption_spec") or not job.HasField("job_spec")
            or not spec_is_right(spec)):
        return INVALID
    if not labels_are_right(job.labels):
        return EITHER if any(map(is_label_doubtful, [*job.labels, *job.labels.values()])) else INVALID
    if job.ByteSize() > JOB_MAX:
        return EITHER
    return EITHER if is_plan_doubtful(spec) else OK


# ---- lists ----

# Each filter a generator picks from, with what it means; one that was damaged may be either.
FILTERS = {
    "": OK, 'display_name="a"': OK, "displayName:a*": OK, "state=JOB_STATE_RUNNING": OK,
    "NOT state=JOB_STATE_FAILED": OK, 'create_time>"2024-01-01T00:00:00Z"': OK,
    "labels.team=blue": OK, "labels.team:*": OK,
    '(display_name="a" OR state!=JOB_STATE_QUEUED) AND -labels.x:*': OK, "   ": OK,
    "display_name": INVALID, "(((": INVALID, "state>JOB_STATE_RUNNING": INVALID, "state=NO_STATE": INVALID,
    "create_time>yesterday": INVALID, "color=red": INVALID, 'display_name="a': INVALID, "AND": INVALID,
    "(" * 40 + "state=JOB_STATE_RUNNING" + ")" * 40: INVALID, 'display_name="' + "a" * 2048 + '"': INVALID,
}
OPERATION_FILTERS = {"": OK, "done=true": OK, "done=false": OK, "NOT done=true": OK, "done=maybe": INVALID,
                     "name=x": INVALID}
MASK_PATHS = {
    "name": OK, "display_name": OK, "displayName": OK, "job_spec.scheduling": OK, "labels.team": OK, "*": OK,
    "jobSpec.workerPoolSpecs.*.replicaCount": OK, "state": OK,
    "": INVALID, "no_such_field": INVALID, "job_spec.nothing": INVALID, "display_name.more": INVALID, "name.": INVALID,
}


def of_text(table, text):
    return table.get(text, EITHER)


def both(*predictions):
    """Of several checks that must all pass."""
    if any(prediction == INVALID for prediction in predictions):
        return INVALID
    return EITHER if any(prediction == EITHER for prediction in predictions) else OK


def page_of(request, tokens, key):
    size = INVALID if request.page_size < 0 else OK
    if request.page_token:
        token = OK if (request.page_token, *key) in tokens else INVALID
        return both(size, token)
    return size


def mask_of(mask):
    if len(mask.paths) > 100:
        return INVALID
    return both(OK, *(of_text(MASK_PATHS, path) for path in mask.paths))
