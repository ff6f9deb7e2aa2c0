"""The Python GAPIC client, unmodified, over plaintext: create, wait, read the error, cancel, delete, NOT_FOUND.

Arguments: grpc or rest, and the address. Over REST the client knows errors by their HTTP status alone."""

import sys
import time

import grpc
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1, aiplatform_v1beta1
from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport
from google.cloud.aiplatform_v1beta1.services.job_service.transports import (
    JobServiceGrpcTransport as BetaTransport,
)

PARENT = "projects/p/locations/us-central1"
DEADLINE_SECONDS = 120
ENDED = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")


def shell_job(name, script, **labels):
    return {
        "display_name": name,
        "labels": labels,
        "job_spec": {
            "worker_pool_specs": [
                {
                    "machine_spec": {"machine_type": "n1-standard-4"},
                    "replica_count": 1,
                    "container_spec": {"image_uri": "debian:12", "command": ["sh", "-c", script]},
                }
            ]
        },
    }


def wait_until(client, name, *states):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        job = client.get_custom_job(name=name)
        if job.state.name in states:
            return job
        time.sleep(0.05)
    raise AssertionError(f"{name} is {job.state.name} after {DEADLINE_SECONDS} s, not one of {states}")


def succeed(client):
    job = client.create_custom_job(parent=PARENT, custom_job=shell_job("works", "echo hello", team="a"))
    assert job.state.name in ("JOB_STATE_PENDING", "JOB_STATE_QUEUED"), job.state
    job = wait_until(client, job.name, *ENDED)
    assert job.state.name == "JOB_STATE_SUCCEEDED", job
    assert job.create_time <= job.start_time <= job.end_time <= job.update_time, job
    assert job.error.code == 0, job.error
    return job


def fail(client):
    job = client.create_custom_job(parent=PARENT, custom_job=shell_job("fails", "echo no luck >&2; exit 3"))
    job = wait_until(client, job.name, *ENDED)
    assert job.state.name == "JOB_STATE_FAILED", job.state
    assert job.error.code == 3, job.error
    assert "The replica workerpool0-0 exited with a non-zero status of 3." in job.error.message, job.error
    assert "no luck" in job.error.message, job.error


def cancel(client):
    job = client.create_custom_job(parent=PARENT, custom_job=shell_job("sleeps", "sleep 600"))
    wait_until(client, job.name, "JOB_STATE_RUNNING")
    client.cancel_custom_job(name=job.name)
    job = wait_until(client, job.name, *ENDED)
    assert job.state.name == "JOB_STATE_CANCELLED", job.state
    assert job.error.code == 1 and "CANCELED" in job.error.message, job.error
    try:
        client.cancel_custom_job(name=job.name)
        raise AssertionError("a finished job was cancelled")
    except exceptions.BadRequest as error:  # over gRPC its subclass FailedPrecondition
        assert "cannot be canceled" in error.message, error


def list_and_delete(client, job):
    names = [found.name for found in client.list_custom_jobs(
        request={"parent": PARENT, "filter": 'labels.team="a" AND state="JOB_STATE_SUCCEEDED"'})]
    assert job.name in names, names
    assert all(found.display_name == "works" for found in client.list_custom_jobs(
        request={"parent": PARENT, "filter": 'display_name:"work*"', "page_size": 1}))
    client.delete_custom_job(name=job.name).result(timeout=60)
    try:
        client.get_custom_job(name=job.name)
        raise AssertionError("a deleted job was found")
    except exceptions.NotFound as error:
        assert f'The CustomJob "{job.name}" was not found.' in error.message, error


def violated_fields(error):
    """Messages over gRPC, dicts over REST."""
    for detail in error.details:
        if isinstance(detail, dict):
            yield from (violation["field"] for violation in detail.get("fieldViolations", []))
        else:
            yield from (violation.field for violation in getattr(detail, "field_violations", []))


def refuse(client):
    bad = shell_job("", "true")
    bad["labels"] = {"Team": "a"}
    try:
        client.create_custom_job(parent=PARENT, custom_job=bad)
        raise AssertionError("a job without a display name was taken")
    except exceptions.BadRequest as error:
        fields = list(violated_fields(error))
        assert any("display_name" in field for field in fields), (error, fields)
        assert any("labels" in field for field in fields), (error, fields)
        assert "List of found errors:\t1.Field: " in error.message, error


def walk(client, say):
    job = succeed(client)
    say("create, wait, SUCCEEDED")
    fail(client)
    say("a failing job tells replica, status and its last lines")
    cancel(client)
    say("cancel ends in CANCELLED, a second one is refused")
    list_and_delete(client, job)
    say("list with filters, delete, NOT_FOUND")
    refuse(client)
    say("an invalid job is refused with all its violations")


def clients(kind, address):
    if kind == "rest":
        options = {"transport": "rest", "credentials": AnonymousCredentials(),
                   "client_options": {"api_endpoint": f"http://{address}"}}
        yield "v1", aiplatform_v1.JobServiceClient(**options)
        yield "v1beta1", aiplatform_v1beta1.JobServiceClient(**options)
        return
    channel = grpc.insecure_channel(address)
    yield "v1", aiplatform_v1.JobServiceClient(transport=JobServiceGrpcTransport(channel=channel))
    yield "v1beta1", aiplatform_v1beta1.JobServiceClient(transport=BetaTransport(channel=channel))


def main():
    kind, address = sys.argv[1:]
    for version, client in clients(kind, address):
        walk(client, lambda text, version=version: print(f"ok python-gapic {kind} {version}: {text}", flush=True))


if __name__ == "__main__":
    main()
