"""official_protos: the official .proto files and the protobuf runtime, put into the build folder.

Versions and hashes stand in package-lock.json and requirements.txt; nothing else is installed, nothing that was
installed is run but the protobuf runtime, and the source tree is not written to. An installation is used again while
the files it was made from are unchanged.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUR_ROOT = HERE.parent.parent / "proto"


class CannotCompare(Exception):
    """Something the comparison needs is missing or failed; no word on whether the protos differ."""


def run(what, command, **options):
    """Runs a command to its end; its output is shown only when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, **options)
    except OSError as error:
        raise CannotCompare(f"{what}: {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise CannotCompare(f"{what}: {command[0]} exited with {done.returncode}\n{done.stdout}{done.stderr}")


def install(target, inputs, fill, proof):
    """Calls fill(folder) unless `target` was filled from the same inputs before and the path `proof` in it is there.

    The stamp is written last, so that a folder half filled is filled again.
    """
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in inputs)).hexdigest()
    stamp = target / "installed_from"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest and (target / proof).exists():
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    fill(target)
    stamp.write_text(digest, encoding="utf-8")


def fill_npm(target):
    """Renew the lock file by: npm install --package-lock-only --ignore-scripts --legacy-peer-deps
    --omit-lockfile-registry-resolved (no registry's address in it, only hashes)."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, target)
    run("install official protos", ["npm", "ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"],
        cwd=target)


def fill_venv(target):
    run("make a Python environment", [sys.executable, "-m", "venv", str(target)])
    run("install the protobuf runtime", [
        str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "--only-binary", ":all:", "-r", str(HERE / "requirements.txt")])


def prepare(work):
    """Installs what is missing under `work`; returns the path of the environment's Python."""
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(work / "npm", ["package.json", "package-lock.json"], fill_npm, "node_modules")
        install(work / "venv", ["requirements.txt"], fill_venv, "bin/python")
    return work / "venv" / "bin" / "python"


def protoc_include():
    """The well-known types that came with protoc: both sides must be compiled with the same descriptor.proto."""
    protoc = shutil.which("protoc")
    if protoc is None:
        raise CannotCompare("protoc is not installed")
    include = Path(os.path.realpath(protoc)).parent.parent / "include"
    if not (include / "google/protobuf/descriptor.proto").is_file():
        raise CannotCompare(f"no google/protobuf/descriptor.proto in {include}, beside {protoc}")
    return include


def official_roots(work):
    """Import roots of the official files, as protoc takes them; FOLDER=PATH puts PATH below FOLDER."""
    modules = work / "npm" / "node_modules"
    return [
        str(modules / "google-proto-files"),
        str(modules / "@grpc/reflection/build/proto"),
        f"grpc/health={modules / 'grpc-health-check/proto/health'}",
    ]


def package_versions():
    """The npm packages compared with, as name and version."""
    return sorted(json.loads((HERE / "package.json").read_text(encoding="utf-8"))["devDependencies"].items())


def declared_files(root):
    """The files under our root that have an official counterpart, by import path."""
    found = [path.relative_to(root).as_posix() for path in root.rglob("*.proto")]
    return sorted(path for path in found if not path.startswith("customjobd/"))


def compile_set(roots, files):
    """Compiles files and all they import; returns the bytes of a FileDescriptorSet."""
    includes = [f"-I{root}" for root in [protoc_include(), *roots]]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "set.binpb"
        run(f"compile {roots[0]}", [
            "protoc", *includes, "--include_imports", f"--descriptor_set_out={output}", *files])
        return output.read_bytes()
