"""The high-level Python SDK, unmodified, over gRPC with TLS, or over REST where the endpoint is a URL: run, submit, cancel, delete, list, get."""

import sys
import time

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform

DEADLINE_SECONDS = 120


def pools(script):
    return [
        {
            "machine_spec": {"machine_type": "n1-standard-4"},
            "replica_count": 1,
            "container_spec": {"image_uri": "debian:12", "command": ["sh", "-c", script]},
        }
    ]


def say(text):
    print(f"ok python-sdk: {text}", flush=True)


def wait_for_state(job, *names):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        state = job.state.name
        if state in names:
            return state
        time.sleep(0.1)
    raise AssertionError(f"{job.resource_name} is {state} after {DEADLINE_SECONDS} s, not one of {names}")


def run_jobs():
    job = aiplatform.CustomJob(display_name="sdk-run", worker_pool_specs=pools("echo $AIP_MODEL_DIR; sleep 0.2"),
                               labels={"team": "sdk"})
    job.run()
    assert job.state.name == "JOB_STATE_SUCCEEDED", job.state
    say("run() returns when the job has SUCCEEDED")
    failing = aiplatform.CustomJob(display_name="sdk-fails", worker_pool_specs=pools("exit 7"))
    try:
        failing.run()
        raise AssertionError("a failing job did not raise")
    except RuntimeError as error:
        assert "non-zero status of 7" in str(error), error
    assert failing.error.code == 3, failing.error
    say("run() of a failing job raises with its error")
    return job


def cancel_job():
    job = aiplatform.CustomJob(display_name="sdk-cancel", worker_pool_specs=pools("sleep 600"))
    job.submit()
    wait_for_state(job, "JOB_STATE_RUNNING")
    job.cancel()
    assert wait_for_state(job, "JOB_STATE_CANCELLED", "JOB_STATE_FAILED") == "JOB_STATE_CANCELLED"
    assert "CANCELED" in job.error.message, job.error
    say("submit(), cancel()")


def find_and_delete(job):
    found = aiplatform.CustomJob.get(job.name)
    assert found.display_name == "sdk-run", found
    listed = aiplatform.CustomJob.list(filter='labels.team="sdk" AND display_name="sdk-run"', order_by="create_time desc")
    assert [one.resource_name for one in listed] == [job.resource_name], listed
    say("get(), list(filter=)")
    job.delete()
    try:
        aiplatform.CustomJob.get(job.resource_name)
        raise AssertionError("a deleted job was found")
    except exceptions.NotFound:
        say("delete(), NOT_FOUND after")


def main():
    aiplatform.init(project="p", location="us-central1", staging_bucket="gs://bucket", api_endpoint=sys.argv[1],
                    api_transport="rest" if "://" in sys.argv[1] else "grpc", credentials=AnonymousCredentials())
    job = run_jobs()
    cancel_job()
    find_and_delete(job)


if __name__ == "__main__":
    main()
