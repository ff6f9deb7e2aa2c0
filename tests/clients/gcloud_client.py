"""gcloud, unmodified, over REST; where it is not installed, the requests that it sent when it was.

gcloud_requests.json has them, word for word but for the names of what a server makes, with gcloud's version. They are
recorded anew by: tests/clients/gcloud_client.py HTTP-ADDRESS of a running server.
"""

import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

RECORDED = pathlib.Path(__file__).resolve().parent / "gcloud_requests.json"
REGION = "us-central1"
PARENT = f"projects/p/locations/{REGION}"
SECONDS = 120
KEPT_HEADERS = ("accept", "accept-encoding", "content-type")
CONFIG = """workerPoolSpecs:
- machineSpec: {machineType: n1-standard-4}
  replicaCount: 1
  containerSpec:
    imageUri: debian:12
    command: [sh, -c, 'echo hello; echo "{\\"message\\": \\"lifted\\", \\"severity\\": \\"WARNING\\"}"; echo oops >&2']
scheduling: {timeout: 3600s}
"""


def ask(address, verb, path, body=None):
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    connection.request(verb, path, body)
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text)


def wait_for_state(address, name, *states):
    deadline = time.monotonic() + SECONDS
    while True:
        job = ask(address, "GET", f"/v1/{name}")[1]
        if job.get("state") in states:
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


class Recorder:
    """A proxy that notes what goes through it."""

    def __init__(self, target):
        self.requests = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.requests.append({"verb": self.command, "path": self.path, "body": body.decode(),
                                          "headers": {name: headers[name] for name in KEPT_HEADERS if name in headers}})
                connection = http.client.HTTPConnection(target, timeout=SECONDS)
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                text = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = do_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Gcloud:
    """The program, pointed at a server by its own settings, in a configuration of its own."""

    def __init__(self, address, folder):
        self.folder = folder
        self.environment = dict(
            os.environ, CLOUDSDK_CONFIG=str(folder / "config"), CLOUDSDK_CORE_PROJECT="p",
            CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM=f"http://{address}/",
            CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING=f"http://{address}/", CLOUDSDK_AUTH_DISABLE_CREDENTIALS="true",
            CLOUDSDK_CORE_DISABLE_PROMPTS="1", CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK="true",
            CLOUDSDK_CORE_DISABLE_USAGE_REPORTING="true")

    def start(self, *words):
        return subprocess.Popen(["gcloud", *words], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def say(self, *words, fails=False):
        process = self.start(*words)
        said = process.communicate(timeout=SECONDS)[0]
        assert (process.returncode != 0) == fails, f"gcloud {' '.join(words)}:\n{said}"
        return said

    def ai(self, track, *words, **options):
        return self.say(*track, "ai", *words, f"--region={REGION}", **options)


def create(gcloud, say):
    config = gcloud.folder / "config.yaml"
    config.write_text(CONFIG)
    said = gcloud.ai([], "custom-jobs", "create", "--display-name=by-config", f"--config={config}", "--labels=team=g")
    short = re.search(r"CustomJob \[(\S+)\] is submitted", said).group(1)
    say("create --config")
    said = gcloud.ai(["beta"], "custom-jobs", "create", "--display-name=by-pool", "--command=sh,-c,echo up; sleep 600",
                     "--worker-pool-spec=machine-type=n1-standard-4,replica-count=1,container-image-uri=debian:12")
    long = re.search(r"CustomJob \[(\S+)\] is submitted", said).group(1)
    say("beta create --worker-pool-spec")
    return short, long


def read(gcloud, address, short, long, say):
    wait_for_state(address, short, "JOB_STATE_SUCCEEDED")
    wait_for_state(address, long, "JOB_STATE_RUNNING")
    said = gcloud.ai([], "custom-jobs", "describe", short)
    assert "state: JOB_STATE_SUCCEEDED" in said and "timeout: 3600s" in said and "team: g" in said, said
    said = gcloud.ai(["beta"], "custom-jobs", "describe", long)
    assert "state: JOB_STATE_RUNNING" in said, said
    say("describe, GA and beta")
    said = gcloud.ai([], "custom-jobs", "list", "--filter=labels.team=g", "--format=value(name)")
    assert short in said and long not in said, said
    said = gcloud.ai([], "custom-jobs", "describe", f"{PARENT}/customJobs/1", fails=True)
    assert f'The CustomJob "{PARENT}/customJobs/1" was not found.' in said, said
    say("list, and a job that is not there")


def read_logs(gcloud, short, long, say):
    said = gcloud.ai([], "custom-jobs", "stream-logs", short, "--polling-interval=1")
    for line in (r"INFO\t.*\tworkerpool0-0\thello", r"WARNING\t.*\tworkerpool0-0\tlifted", r"ERROR\t.*\tworkerpool0-0\toops",
                 r"INFO\t.*\tservice\tJob completed successfully\."):
        assert len(re.findall(line, said)) == 1, (line, said)
    say("stream-logs of a finished job, to its end, each line once")
    process = gcloud.start("ai", "custom-jobs", "stream-logs", long, "--polling-interval=1", f"--region={REGION}")
    try:
        lines = iter(process.stdout.readline, "")
        assert any(re.search(r"\tworkerpool0-0\tup", line) for line in lines), "it ended"
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
    say("stream-logs of a running job")


def end(gcloud, address, short, long, say):
    gcloud.ai([], "custom-jobs", "cancel", long)
    wait_for_state(address, long, "JOB_STATE_CANCELLED")
    said = gcloud.ai([], "custom-jobs", "cancel", long, fails=True)
    assert "cannot be canceled" in said, said
    say("cancel, and a second one that is refused")
    operation = ask(address, "DELETE", f"/v1/{short}")[1]["name"]
    said = gcloud.ai([], "operations", "describe", operation.rpartition("/")[2])
    assert operation in said, said
    say("operations describe")
    return operation


def walk_with(address, server, folder, say):
    """Returns the names that the server has made. address: of the server or of a proxy before it."""
    gcloud = Gcloud(address, folder)
    short, long = create(gcloud, say)
    read(gcloud, server, short, long, say)
    read_logs(gcloud, short, long, say)
    return {"short": short, "long": long, "operation": end(gcloud, server, short, long, say)}


# ---- where there is no gcloud ----

def fill_in(text, names):
    for name, value in names.items():
        text = text.replace(f"<{name}>", value.rpartition("/")[2])
    return text


def replay(server, say):
    """What was recorded, in its order, with what has to be in between."""
    recorded = json.loads(RECORDED.read_text())
    names = {}
    for request in recorded["requests"]:
        if "<operation>" in request["path"] and "operation" not in names:
            names["operation"] = ask(server, "DELETE", f"/v1/{names['short']}")[1]["name"]
        connection = http.client.HTTPConnection(server, timeout=SECONDS)
        connection.request(request["verb"], fill_in(request["path"], names), fill_in(request["body"], names) or None,
                           request["headers"])
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == request["status"], (request, answer.status, text)
        if request["verb"] == "POST" and re.search(r"/customJobs\?", request["path"]):
            name = json.loads(text)["name"]
            names["long" if "short" in names else "short"] = name
            wait_for_state(server, name, "JOB_STATE_SUCCEEDED" if len(names) == 1 else "JOB_STATE_RUNNING")
        elif ":cancel" in request["path"]:
            wait_for_state(server, names["long"], "JOB_STATE_CANCELLED")
    say(f"{len(recorded['requests'])} recorded requests of gcloud {recorded['version']}")


def walk(server):
    """server: its HTTP address."""
    def say(text):
        print(f"ok gcloud: {text}", flush=True)

    if shutil.which("gcloud") is None:
        print("-- gcloud is not installed: its recorded requests are sent in its place", flush=True)
        replay(server, say)
        return
    with tempfile.TemporaryDirectory(prefix="customjobd-gcloud-") as folder:
        walk_with(server, server, pathlib.Path(folder), say)
    replay(server, say)


def unlike(request):
    """The request without the time that it was made at."""
    return request["verb"], request["path"], re.sub(r'timestamp<\\?"[^"]*"', "", request["body"])


def record(server):
    recorder = Recorder(server)
    with tempfile.TemporaryDirectory(prefix="customjobd-gcloud-") as folder:
        names = walk_with(recorder.address, server, pathlib.Path(folder), print)
        version = re.search(r"Google Cloud SDK (\S+)", Gcloud("", pathlib.Path(folder)).say("version")).group(1)
    kept = []
    for request in recorder.requests:
        for name, value in names.items():
            request["path"] = request["path"].replace(value.rpartition("/")[2], f"<{name}>")
            request["body"] = request["body"].replace(value.rpartition("/")[2], f"<{name}>")
        if not kept or unlike(request) != unlike(kept[-1]):
            kept.append(request)
    for request in kept:
        missing = "customJobs/1?" in request["path"] and request["verb"] == "GET"
        again = ":cancel" in request["path"] and any(":cancel" in other["path"] for other in kept[:kept.index(request)])
        request["status"] = 404 if missing else 400 if again else 200
    RECORDED.write_text(json.dumps({"version": version, "requests": kept}, indent=1) + "\n")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        record(*sys.argv[1:])
