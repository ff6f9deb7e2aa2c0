#!/usr/bin/env python3
"""The OpenAPI document is of what is served, and schemathesis finds nothing that does not keep to it.

schemathesis is pinned and installed into the build folder, like the official clients. --examples turns how much it tries
of each operation, --seed repeats a run.
"""

import argparse
import http.client
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "lib"))

import client_install  # noqa: E402
import server_fixture  # noqa: E402

SECONDS = 600
PARENT = "projects/p/locations/us-central1"
JOB = {"displayName": "j", "labels": {"simulate-duration": "365d"}, "jobSpec": {"workerPoolSpecs": [
    {"replicaCount": "1", "containerSpec": {"imageUri": "debian:12", "command": ["true"]}}]}}
# Whether a job can be run is more than its shape. 501 is how a named thing is refused that the contract has and we do not.
CHECKS_LEFT_OUT = "positive_data_acceptance"


def ask(server, verb, path, body=None):
    connection = http.client.HTTPConnection(server.http_address, timeout=60)
    connection.request(verb, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status, answer.read())
    return json.loads(answer.read())


def served_methods():
    """What REST is for, of what gRPC serves."""
    listed = re.findall(r'^METHOD\("([\w.]+)", "(\w+)", RPC_UNARY', (ROOT / "server/methods.def").read_text(), re.M)
    apis = ("google.cloud.aiplatform.", "google.longrunning.", "google.cloud.location.", "google.logging.")
    return {f"{service}/{name}" for service, name in listed if service.startswith(apis)}


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from references(inner)


def is_of_what_is_served(document):
    operations = [(path, verb, operation) for path, verbs in document["paths"].items()
                  for verb, operation in verbs.items()]
    missing = served_methods() - {operation["summary"] for _, _, operation in operations}
    assert not missing, f"no path leads to {missing}"
    assert len({operation["operationId"] for _, _, operation in operations}) == len(operations)
    routes = re.findall(r'^ROUTE\(.* (\w+), "\w+", "\w*", "[^"]*"\)', (ROOT / "server/rest_route.def").read_text(), re.M)
    assert len(operations) == sum(1 if service == "LOGGING" else 3 for service in routes), (len(operations), routes)
    for reference in set(references(document)):
        node = document
        for word in reference.removeprefix("#/").split("/"):
            node = node[word]
    for path, verb, operation in operations:
        named = set(re.findall(r"\{(\w+)\}", path))
        given = {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "path"}
        assert named == given, (path, verb, given)
    job = document["components"]["schemas"]["google.cloud.aiplatform.v1.CustomJob"]["properties"]
    assert job["state"].get("readOnly") and not job["displayName"].get("readOnly"), job
    machine = document["components"]["schemas"]["google.cloud.aiplatform.v1beta1.MachineSpec"]["properties"]
    assert "minGpuDriverVersion" in machine, machine
    return f"{len(operations)} operations, {len(document['components']['schemas'])} schemas"


def install(folder):
    client_install.run([sys.executable, "-m", "venv", folder], client_install.INSTALL_SECONDS)
    client_install.run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r",
                        HERE.parent / "clients" / "schemathesis" / "requirements.txt"], client_install.INSTALL_SECONDS)


def try_out(program, server, seed, examples, *more, parameters=()):
    with tempfile.TemporaryDirectory(prefix="customjobd-openapi-") as folder:
        config = pathlib.Path(folder) / "schemathesis.toml"
        config.write_text('[checks]\nnot_a_server_error.expected-statuses = ["2xx", "4xx", 501]\n[parameters]\n' +
                          "".join(f'"path.{name}" = "{value}"\n' for name, value in parameters))
        result = subprocess.run(
            [program, "--config-file", config, "run", f"http://{server.http_address}/openapi.json", "--seed", str(seed),
             "--max-examples", str(examples), "--exclude-checks", CHECKS_LEFT_OUT, "--no-color", *more],
            cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr
    return re.search(r"(\d+) generated", result.stdout).group(1) + " requests"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--examples", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    installer = client_install.Installer(arguments.build_dir.resolve())
    program = installer.folder("schemathesis", [HERE.parent / "clients" / "schemathesis" / "requirements.txt"],
                               install) / "bin" / "schemathesis"
    with server_fixture.running("--http-listen", "127.0.0.1:0", executor="simulate") as server:
        print("ok the document:", is_of_what_is_served(ask(server, "GET", "/openapi.json")), flush=True)
        print("ok any request:", try_out(program, server, arguments.seed, arguments.examples), flush=True)
        name = ask(server, "POST", f"/v1/{PARENT}/customJobs", JOB)["name"]
        done = ask(server, "POST", f"/v1/{PARENT}/customJobs", {**JOB, "labels": {"simulate-duration": "0s"}})["name"]
        while ask(server, "GET", f"/v1/{done}").get("state") != "JOB_STATE_SUCCEEDED":
            pass
        operation = ask(server, "DELETE", f"/v1/{done}")["name"]
        known = (("project", "p"), ("location", "us-central1"), ("customJob", name.rpartition("/")[2]),
                 ("operation", operation.rpartition("/")[2]))
        print("ok of what there is:", try_out(program, server, arguments.seed, arguments.examples, "--include-method", "GET",
                                              parameters=known), flush=True)
        assert ask(server, "GET", f"/v1/{name}")["name"] == name, "it serves as before"
    print("3 passed, 0 failed")


if __name__ == "__main__":
    main()
