#!/usr/bin/env python3
"""Every job file and every first job of examples/, as the README says to run it, against a real server.

The official clients are those of tests/clients. A client whose toolchain is absent is skipped by name; with CI set a
skip is a failure.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CLIENTS = ROOT / "tests" / "clients"
sys.path[:0] = [str(ROOT / "tests" / "lib"), str(CLIENTS)]

import clients_test  # noqa: E402
import server_fixture  # noqa: E402
from client_install import INSTALL_SECONDS, Installer, python_of, run  # noqa: E402

RUN_SECONDS = 120


def output_of(command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=RUN_SECONDS, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def check(condition, told):
    if not condition:
        raise AssertionError(told)


class Servers:
    """One server with buckets, over plaintext and over TLS."""

    def __init__(self, stack, installer):
        self.stack = stack
        self.installer = installer
        self.buckets = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="customjobd-buckets-")))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="customjobd-tls-"))
        self.ca, cert, key = server_fixture.make_certificates(folder)
        flags = ("--stop-grace", "2s", "--buckets-dir", self.buckets)
        self.plain = stack.enter_context(server_fixture.running(*flags)).address
        self.tls = stack.enter_context(server_fixture.running(*flags, "--tls-cert", cert, "--tls-key", key)).address

    def customjob(self, *words):
        return output_of([server_fixture.bin_dir() / "customjob", *words, "--endpoint", self.plain])


def job_files(servers):
    for name in ("hello.yaml", "hello.json"):
        told = servers.customjob("create", EXAMPLES / name, "--follow")
        check("hello from job" in told, told)
    told = servers.customjob("create", f"--config={EXAMPLES / 'gcloud-config.yaml'}", "--display-name=config", "--follow")
    check("hello from /" in told, told)


def python_package(servers):
    with tempfile.TemporaryDirectory() as folder:  # setuptools leaves things beside the source
        source = shutil.copytree(EXAMPLES / "python-package", pathlib.Path(folder) / "source")
        output_of([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", servers.buckets / "demo", source])
    told = servers.customjob("create", EXAMPLES / "python-package" / "job.yaml", "--follow")
    check("epoch 5 of 5" in told, told)
    check((servers.buckets / "demo" / "python-package" / "model" / "model.txt").read_text() == "5 epochs\n", told)


def python_gapic(servers):
    told = output_of([python_of(servers.installer), EXAMPLES / "clients" / "gapic.py", servers.plain])
    check("JOB_STATE_SUCCEEDED" in told, told)


def python_sdk(servers):
    environment = dict(os.environ, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=str(servers.ca))
    endpoint = "localhost:" + servers.tls.rsplit(":", 1)[1]
    told = output_of([python_of(servers.installer), EXAMPLES / "clients" / "sdk.py", endpoint], env=environment)
    check("JOB_STATE_SUCCEEDED" in told, told)


def python_week(servers):
    with server_fixture.running("--clock", "virtual", executor="simulate") as server:
        told = output_of([python_of(servers.installer), EXAMPLES / "clients" / "week.py", server.address])
    check("day 6: JOB_STATE_RUNNING\nday 7: JOB_STATE_CANCELLED\nCANCELED" in told, told)


def node(servers):
    clients_test.need("node", "npm")
    folder = servers.installer.folder("node", [CLIENTS / "node" / "package-lock.json"], clients_test.install_node)
    script = shutil.copy(EXAMPLES / "clients" / "first_job.js", folder)
    check("JOB_STATE_SUCCEEDED" in output_of(["node", script, servers.plain]), "no success")


def go(servers):
    clients_test.need("go")
    sources = [CLIENTS / "go" / "go.mod", CLIENTS / "go" / "go.sum", EXAMPLES / "clients" / "first_job.go"]

    def install(folder):
        for source in sources:
            shutil.copy(source, folder)
        run(["go", "build", "-o", "client", "."], INSTALL_SECONDS, cwd=folder)

    told = output_of([servers.installer.folder("go-example", sources, install) / "client", servers.plain])
    check("JOB_STATE_SUCCEEDED" in told, told)


def grpcurl(servers):
    clients_test.need("go")

    def install(folder):
        run(["go", "install", clients_test.GRPCURL], INSTALL_SECONDS,
            env=dict(os.environ, GOBIN=str(folder), GOFLAGS=""))

    folder = servers.installer.folder("grpcurl", [clients_test.GRPCURL.encode()], install)
    environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
    told = output_of([EXAMPLES / "clients" / "grpcurl.sh", servers.plain], env=environment)
    check("rpc CreateCustomJob" in told and "hello-grpcurl" in told, told)


TESTS = (job_files, python_package, python_gapic, python_sdk, python_week, node, go, grpcurl)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, default=server_fixture.ROOT / "build")
    arguments = parser.parse_args()
    failed = False
    with contextlib.ExitStack() as stack:
        servers = Servers(stack, Installer(arguments.build_dir.resolve()))
        for test in TESTS:
            name = test.__name__.replace("_", " ")
            try:
                test(servers)
                print(f"ok examples: {name}", flush=True)
            except clients_test.Skip as reason:
                print(f"SKIPPED examples: {name}: {reason}", flush=True)
                failed = failed or bool(os.environ.get("CI"))
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                print(f"FAILED examples: {name}: {error}", flush=True)
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
