"""grpcurl through reflection alone: explore, create, wait, cancel, delete; it knows no proto of ours."""

import json
import subprocess
import time

SERVICE = "google.cloud.aiplatform.v1.JobService"
PARENT = "projects/p/locations/us-central1"
DEADLINE_SECONDS = 60


def say(text):
    print(f"ok grpcurl: {text}", flush=True)


class Grpcurl:
    def __init__(self, program, address):
        self.program, self.address = program, address

    def run(self, *arguments, fails=False):
        command = [str(self.program), "-plaintext", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
        assert (done.returncode != 0) == fails, (command, done.stdout, done.stderr)
        return done.stderr if fails else done.stdout

    def call(self, method, request, fails=False, service=SERVICE):
        text = self.run("-d", json.dumps(request), self.address, f"{service}/{method}", fails=fails)
        return text if fails else json.loads(text or "{}")


def job(name, script):
    container = {"imageUri": "debian:12", "command": ["sh", "-c", script]}
    pools = [{"replicaCount": "1", "containerSpec": container}]
    return {"parent": PARENT, "customJob": {"displayName": name, "jobSpec": {"workerPoolSpecs": pools}}}


def wait_until(curl, name, *states):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = curl.call("GetCustomJob", {"name": name})
        if found["state"] in states:
            return found
    raise AssertionError(f"{name} is {found['state']}, not one of {states}")


def explore(curl):
    services = curl.run(curl.address, "list").split()
    for service in (SERVICE, SERVICE.replace("v1", "v1beta1"), "google.longrunning.Operations",
                    "google.cloud.location.Locations", "grpc.health.v1.Health", "customjobd.v1.Logs",
                    "google.logging.v2.LoggingServiceV2"):
        assert service in services, services
    for symbol in (SERVICE, f"{SERVICE}.CreateCustomJob", "google.cloud.aiplatform.v1.CustomJob",
                   "google.cloud.aiplatform.v1.WorkerPoolSpec"):
        assert symbol.rsplit(".", 1)[1] in curl.run(curl.address, "describe", symbol)
    health = curl.call("Check", {}, service="grpc.health.v1.Health")
    assert health == {"status": "SERVING"}, health
    say("reflection lists and describes services, methods and messages; health is SERVING")


def logs(curl, job_id):
    """The filter is as gcloud's stream-logs writes it."""
    told = (f'resource.type="ml_job" AND resource.labels.job_id="{job_id}" AND timestamp>="1970-01-01T01:00:00.000000000Z"'
            f' AND timestamp<"2099-01-01T00:00:00.000000000Z"')
    request = {"resourceNames": [f"projects/{PARENT.split('/')[1]}"], "orderBy": "timestamp asc", "pageSize": 1000,
               "filter": told}
    entries = curl.call("ListLogEntries", request, service="google.logging.v2.LoggingServiceV2")["entries"]
    printed = [entry["textPayload"] for entry in entries if entry["resource"]["labels"]["task_name"] == "workerpool0-0"]
    assert printed == ["hello"], entries
    assert any(entry["resource"]["labels"]["task_name"] == "service" for entry in entries), entries
    places = [(entry["timestamp"], entry["insertId"]) for entry in entries]
    assert len(set(places)) == len(places), places
    say("lists a job's log entries by the Logging API")


def walk(program, address):
    curl = Grpcurl(program, address)
    explore(curl)
    ended = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")
    works = wait_until(curl, curl.call("CreateCustomJob", job("curl-works", "echo hello"))["name"], *ended)
    assert works["state"] == "JOB_STATE_SUCCEEDED", works
    fails = wait_until(curl, curl.call("CreateCustomJob", job("curl-fails", "exit 6"))["name"], *ended)
    assert fails["error"]["code"] == 3 and "non-zero status of 6" in fails["error"]["message"], fails
    sleeps = curl.call("CreateCustomJob", job("curl-sleeps", "sleep 600"))["name"]
    wait_until(curl, sleeps, "JOB_STATE_RUNNING")
    curl.call("CancelCustomJob", {"name": sleeps})
    assert wait_until(curl, sleeps, *ended)["state"] == "JOB_STATE_CANCELLED"
    say("create, wait, error, cancel")
    logs(curl, works["name"].rsplit("/", 1)[1])
    operation = curl.call("DeleteCustomJob", {"name": works["name"]})
    done = curl.call("WaitOperation", {"name": operation["name"], "timeout": "30s"},
                     service="google.longrunning.Operations")
    assert done["done"] is True, done
    told = curl.call("GetCustomJob", {"name": works["name"]}, fails=True)
    assert "NotFound" in told and "was not found" in told, told
    say("delete, wait for the operation, NOT_FOUND")
