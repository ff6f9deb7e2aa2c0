#!/usr/bin/env python3
"""The official clients, unmodified, against a real server with real jobs.

Each client is pinned and installed into the build folder. A client whose toolchain is absent is skipped by name;
with CI set a skip is a failure, because CI has them all. Arguments: names of clients to run; none: all.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import server_fixture  # noqa: E402
from client_install import INSTALL_SECONDS, Installer, python_of, run  # noqa: E402

GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"
CLIENT_SECONDS = 300


class Skip(Exception):
    """A toolchain is absent; says which."""


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def python_gapic(installer, servers):
    python = python_of(installer)
    run([python, HERE / "python" / "gapic_client.py", "grpc", servers.plain()], CLIENT_SECONDS)


def python_gapic_rest(installer, servers):
    run([python_of(installer), HERE / "python" / "gapic_client.py", "rest", servers.rest()], CLIENT_SECONDS)


def python_sdk(installer, servers):
    python = python_of(installer)
    address, ca = servers.tls()
    environment = dict(os.environ, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=str(ca))
    run([python, HERE / "python" / "sdk_client.py", address], CLIENT_SECONDS, env=environment)


def python_sdk_rest(installer, servers):
    run([python_of(installer), HERE / "python" / "sdk_client.py", f"http://{servers.rest()}"], CLIENT_SECONDS)


def storage_environment(servers):
    """All that a client of Cloud Storage is told."""
    return dict(os.environ, STORAGE_EMULATOR_HOST=f"http://{servers.rest()}")


def python_storage(installer, servers):
    run([python_of(installer), HERE / "python" / "storage_client.py", servers.buckets()], CLIENT_SECONDS,
        env=storage_environment(servers))


def python_gcsfs(installer, servers):
    pins = HERE / "gcsfs" / "requirements.txt"

    def install(folder):
        run([sys.executable, "-m", "venv", folder], INSTALL_SECONDS)
        run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", pins], INSTALL_SECONDS)

    python = installer.folder("gcsfs", [pins], install) / "bin" / "python"
    # Else it asks storage.googleapis.com's gRPC API for a minute what kind of bucket it has.
    environment = dict(storage_environment(servers), GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT="false")
    run([python, HERE / "gcsfs" / "client.py", servers.buckets()], CLIENT_SECONDS, env=environment)


def python_local_script(installer, servers):
    run([python_of(installer), HERE / "python" / "local_script_client.py", f"http://{servers.rest()}",
         servers.buckets()], CLIENT_SECONDS, env=storage_environment(servers))


def install_node(folder):
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "node" / name, folder)
    run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], INSTALL_SECONDS, cwd=folder)


def run_node(installer, kind, address):
    need("node", "npm")
    folder = installer.folder("node", [HERE / "node" / "package-lock.json"], install_node)
    script = shutil.copy(HERE / "node" / "client.js", folder)
    run(["node", script, kind, address], CLIENT_SECONDS)


def node(installer, servers):
    run_node(installer, "grpc", servers.plain())


def node_rest(installer, servers):
    run_node(installer, "rest", servers.rest())


def go(installer, servers):
    need("go")
    sources = [HERE / "go" / name for name in ("go.mod", "go.sum", "client.go")]

    def install(folder):
        run(["go", "build", "-o", folder / "client", "."], INSTALL_SECONDS, cwd=HERE / "go")

    run([installer.folder("go", sources, install) / "client", servers.plain()], CLIENT_SECONDS)


def java(installer, servers):
    need("java", "javac", "mvn")
    sources = [HERE / "java" / "pom.xml", HERE / "java" / "src/main/java/Client.java"]

    def install(folder):
        shutil.copytree(HERE / "java", folder / "source", dirs_exist_ok=True)
        run(["mvn", "-q", "-B", "compile", "dependency:build-classpath", f"-Dmdep.outputFile={folder / 'classpath'}"],
            INSTALL_SECONDS, cwd=folder / "source")

    folder = installer.folder("java", sources, install)
    classpath = f"{folder / 'source' / 'target' / 'classes'}:{(folder / 'classpath').read_text().strip()}"
    run(["java", "-cp", classpath, "Client", servers.plain()], CLIENT_SECONDS)


def grpcurl(installer, servers):
    need("go")

    def install(folder):
        run(["go", "install", GRPCURL], INSTALL_SECONDS, env=dict(os.environ, GOBIN=str(folder), GOFLAGS=""))

    program = installer.folder("grpcurl", [GRPCURL.encode()], install) / "grpcurl"
    import grpcurl_client

    grpcurl_client.walk(program, servers.plain())


def gcloud(installer, servers):
    import gcloud_client

    gcloud_client.walk(servers.rest())


CLIENTS = {"python-gapic": python_gapic, "python-gapic-rest": python_gapic_rest, "python-sdk": python_sdk,
           "python-sdk-rest": python_sdk_rest, "python-storage": python_storage, "python-gcsfs": python_gcsfs,
           "python-local-script": python_local_script, "node": node, "node-rest": node_rest, "go": go, "java": java,
           "grpcurl": grpcurl, "gcloud": gcloud}


class Servers:
    """A plaintext and a TLS server, each started when first asked for."""

    def __init__(self, stack):
        self._stack = stack
        self._plain = None
        self._buckets = None
        self._tls = None

    def plain(self):
        if self._plain is None:
            self._buckets = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="customjobd-buckets-"))
            self._plain = self._stack.enter_context(
                server_fixture.running("--stop-grace", "2s", "--http-listen", "127.0.0.1:0",
                                       "--buckets-dir", self._buckets))
        return self._plain.address

    def buckets(self):
        self.plain()
        return self._buckets

    def rest(self):
        self.plain()
        return self._plain.http_address

    def tls(self):
        if self._tls is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="customjobd-tls-"))
            ca, cert, key = server_fixture.make_certificates(folder)
            server = self._stack.enter_context(
                server_fixture.running("--stop-grace", "2s", "--tls-cert", cert, "--tls-key", key))
            self._tls = ("localhost:" + server.address.rsplit(":", 1)[1], ca)
        return self._tls


def run_client(name, installer, servers):
    """Returns passed, failed or skipped."""
    print(f"== {name}", flush=True)
    try:
        CLIENTS[name](installer, servers)
        return "passed"
    except Skip as reason:
        print(f"SKIPPED {name}: {reason}", flush=True)
        return "failed" if os.environ.get("CI") else "skipped"
    except (AssertionError, subprocess.SubprocessError, RuntimeError) as error:
        print(f"FAILED {name}: {error}", flush=True)
        return "failed"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, default=server_fixture.ROOT / "build")
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of {', '.join(CLIENTS)}; default: all")
    arguments = parser.parse_args()
    unknown = set(arguments.clients) - set(CLIENTS)
    if unknown:
        parser.error(f"no such client: {', '.join(sorted(unknown))}")
    installer = Installer(arguments.build_dir.resolve())
    with contextlib.ExitStack() as stack:
        servers = Servers(stack)
        outcomes = {name: run_client(name, installer, servers) for name in arguments.clients or CLIENTS}
    print(json.dumps(outcomes))
    counts = {word: list(outcomes.values()).count(word) for word in ("passed", "failed", "skipped")}
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
