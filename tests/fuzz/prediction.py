"""What this server, with the jobs it has now, should answer to these bytes."""

import dataclasses

import reference as rules
from reference import INVALID, NOT_FOUND, OK, PRECONDITION, UNIMPLEMENTED

REQUEST_ID_MAX = 256
OUTPUTS = ("name", "state", "create_time", "start_time", "end_time", "update_time", "error", "web_access_uris",
           "satisfies_pzs", "satisfies_pzi")


@dataclasses.dataclass
class World:
    """What has been made so far, as its answers told."""
    jobs: dict = dataclasses.field(default_factory=dict)  # name → "ENDING" (by itself, soon), "RUNNING", "DONE"
    operations: set = dataclasses.field(default_factory=set)  # all done
    tokens: set = dataclasses.field(default_factory=set)  # (token, path, parent, filter)


def create(message, request, _world):
    request_id = dict(request.metadata).get("x-goog-request-id", "")
    if not rules.LOCATION.match(message.parent) or not message.HasField("custom_job"):
        return INVALID
    if len(request_id) > REQUEST_ID_MAX:
        return INVALID
    return rules.job_of(message.custom_job)


def get_job(message, _request, world):
    if not rules.JOB.match(message.name):
        return INVALID
    return OK if message.name in world.jobs else NOT_FOUND


def cancel_job(message, request, world):
    found = get_job(message, request, world)
    return PRECONDITION if found == OK and world.jobs[message.name] == "DONE" else found


def delete_job(message, request, world):
    found = get_job(message, request, world)
    return PRECONDITION if found == OK and world.jobs[message.name] == "RUNNING" else found


def list_jobs(message, request, world):
    if not rules.LOCATION.match(message.parent):
        return INVALID
    page = rules.page_of(message, world.tokens, (request.path, message.parent, message.filter))
    return rules.both(page, rules.of_text(rules.FILTERS, message.filter), rules.mask_of(message.read_mask))


def operation_name(name):
    """The one name an operation has; None for what is none."""
    match = rules.OPERATION.match(name)
    return match and match[1] + match[2]


def get_operation(message, _request, world):
    name = operation_name(message.name)
    if not name:
        return INVALID
    return OK if name in world.operations else NOT_FOUND


def wait_operation(message, request, world):
    timeout = message.timeout
    if not 0 <= timeout.seconds <= 315576000000 or not 0 <= timeout.nanos <= 999999999:
        return INVALID
    return get_operation(message, request, world)


def list_operations(message, request, world):
    parent = message.name.removesuffix("/operations")
    if message.return_partial_success:
        return UNIMPLEMENTED
    if not rules.LOCATION.match(parent):
        return INVALID
    page = rules.page_of(message, world.tokens, (request.path, parent, message.filter))
    return rules.both(page, rules.of_text(rules.OPERATION_FILTERS, message.filter))


def get_location(message, _request, _world):
    return OK if rules.LOCATION.match(message.name) else INVALID


def list_locations(message, _request, _world):
    if not rules.PROJECT_NAME.match(message.name) or message.filter or message.page_token or message.page_size < 0:
        return INVALID
    return OK


def check(message, _request, _world):
    return OK if message.service in rules.SERVICES else NOT_FOUND


def tail(message, request, world):
    since = message.since
    if message.tail_lines < 0:
        return INVALID
    if not -62135596800 <= since.seconds <= 253402300799 or not 0 <= since.nanos <= 999999999:
        return INVALID
    found = get_job(message, request, world)
    if found == INVALID or not message.name.rpartition("/")[2].isdecimal():
        return INVALID | NOT_FOUND  # no job can have this name; that there is none is as true
    if message.replica not in ("", "service", "workerpool0-0"):
        return INVALID | NOT_FOUND | found
    return found


RULES = {
    "CreateCustomJob": create, "GetCustomJob": get_job, "ListCustomJobs": list_jobs, "DeleteCustomJob": delete_job,
    "CancelCustomJob": cancel_job, "GetOperation": get_operation, "ListOperations": list_operations,
    "WaitOperation": wait_operation, "CancelOperation": get_operation, "DeleteOperation": get_operation,
    "GetLocation": get_location, "ListLocations": list_locations, "Check": check, "Tail": tail,
}


def predict(request, world):
    """A set of status names."""
    if request.expected:
        return request.expected
    message = rules.decode(request.method, request.data)
    if message is None:
        return INVALID
    return RULES[request.method](message, request, world)


def target_of(request):
    """The job or operation that a request names, so that no other request about it is under way at the time."""
    if request.method not in ("CancelCustomJob", "DeleteCustomJob", "DeleteOperation", "Tail"):
        return None
    message = rules.decode(request.method, request.data)
    if message is None:
        return None
    return operation_name(message.name) if request.method == "DeleteOperation" else message.name


def stored_form(job, version):
    """What is kept of a CustomJob that was sent."""
    kept = type(job)()
    kept.CopyFrom(job)
    kept.DiscardUnknownFields()
    for name in OUTPUTS:
        kept.ClearField(name)
    if version == "v1":
        for pool in kept.job_spec.worker_pool_specs:
            if pool.HasField("machine_spec"):
                pool.machine_spec.ClearField("multihost_gpu_node_count")
                pool.machine_spec.ClearField("min_gpu_driver_version")
    return kept
